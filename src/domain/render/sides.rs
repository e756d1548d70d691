//! What is said about an issue once it was raised: who objects, who confirms it, what whoever raised it answers, and
//! what would settle it.

use super::place::Quoted;
use super::{lanes, safe, words};
use crate::domain::debate::{Answer, Cast, Defence, Purpose, Stance};
use crate::domain::finding::{Raised, Verdict};
use crate::domain::reconcile::contradiction::Why;
use crate::domain::reconcile::{Defended, Issue};
use crate::domain::review::Review;
use crate::domain::units::LaneName;

/// One lane's turn in what is said about an issue.
#[derive(Clone, Debug)]
pub struct Turn<'a> {
    /// Who.
    pub lane: &'a LaneName,
    /// What it does.
    pub act: Act,
    /// Why, in its words; may be empty. Untrusted.
    says: &'a str,
    /// The code it rests on.
    code: Option<Quoted<'a>>,
    /// What follows from it, in our words; may be empty.
    note: String,
}

/// What a lane does about an issue. Ordered as it is told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// It checked the code and holds it sound.
    HoldsSound,
    /// It claims something that excludes it.
    SaysOtherwise,
    /// It shows code that makes it false.
    Objects,
    /// It shows code that makes it true.
    Confirms,
    /// It shows that it is no fault of this change.
    CallsOlder,
    /// It checked it and cannot tell.
    CannotTell,
    /// It raised it and stands by it.
    StandsBy,
    /// It raised it and holds less of it.
    Narrows,
    /// It raised it and gives it up.
    Withdraws,
    /// It raised it and has no code to show for it.
    ShowsNothing,
    /// It raised it and was not heard; why, where that is known. Untrusted.
    NotHeard(Option<String>),
}

impl Act {
    /// Behind the lane's name.
    const fn verb(&self) -> &'static str {
        match self {
            Self::HoldsSound => "checked it and holds it sound",
            Self::SaysOtherwise => "says otherwise",
            Self::Objects => "objects",
            Self::Confirms => "confirms it",
            Self::CallsOlder => "says it was there before this change",
            Self::CannotTell => "checked it and cannot tell",
            Self::StandsBy => "stands by it",
            Self::Narrows => "narrows it",
            Self::Withdraws => "withdraws it",
            Self::ShowsNothing => "could show no code for it",
            Self::NotHeard(_) => "was not heard on this",
        }
    }

    /// Whose side it takes; none where it takes none.
    const fn side(&self) -> Option<&'static str> {
        match self {
            Self::HoldsSound | Self::SaysOtherwise | Self::Objects => Some("Against"),
            Self::Confirms | Self::StandsBy | Self::Narrows | Self::NotHeard(_) => Some("For"),
            Self::CallsOlder | Self::CannotTell | Self::Withdraws | Self::ShowsNothing => None,
        }
    }
}

/// Everything that counts of what is said about an issue, in the order in which it makes sense.
#[must_use]
pub fn turns<'a>(review: &'a Review, issue: &'a Issue) -> Vec<Turn<'a>> {
    let opponent = words::opponent(issue).map(|opponent| Turn {
        lane: opponent.lane,
        act: if opponent.cleared { Act::HoldsSound } else { Act::SaysOtherwise },
        says: opponent.says,
        code: None,
        note: String::new(),
    });
    let mut turns: Vec<Turn<'a>> =
        opponent.into_iter().chain(issue.votes.iter().filter_map(|cast| vote(review, cast))).collect();
    turns.sort_by(|a, b| a.act.cmp(&b.act));
    turns.extend(issue.defended.as_ref().and_then(|defended| answer(review, issue, defended)));
    turns
}

/// A vote that counts: whoever cannot tell needs no code for that.
fn vote<'a>(review: &'a Review, cast: &'a Cast) -> Option<Turn<'a>> {
    let vote = &cast.vote;
    let act = match vote.stance {
        Stance::Plausible => Act::CannotTell,
        _ if !vote.stands => return None,
        Stance::Confirmed => Act::Confirms,
        Stance::Refuted => Act::Objects,
        Stance::PreExisting => Act::CallsOlder,
    };
    let code = Quoted::best(review, &vote.evidence).filter(|_| vote.stands);
    Some(Turn { lane: &cast.lane, act, says: &vote.reason, code, note: String::new() })
}

fn answer<'a>(review: &'a Review, issue: &'a Issue, defended: &'a Defended) -> Option<Turn<'a>> {
    let Defended::Answered(defence) = defended else {
        let (lane, why) = match lanes::silent(review, issue, Purpose::Defend) {
            Some((lane, why)) => (lane, Some(why)),
            None => (*issue.raised_by().first()?, None),
        };
        let act = Act::NotHeard(why);
        return Some(Turn { lane, act, says: "", code: None, note: String::new() });
    };
    let act = match defence.answer {
        Answer::Withdraw => Act::Withdraws,
        _ if !defence.stands => Act::ShowsNothing,
        Answer::Stand => Act::StandsBy,
        Answer::Narrow => Act::Narrows,
    };
    let shows = defence.stands && act != Act::Withdraws;
    Some(Turn {
        lane: &defence.target.lane,
        // Words for which nothing could be shown are not repeated.
        says: if act == Act::ShowsNothing { "" } else { &defence.claim },
        code: Quoted::best(review, &defence.evidence).filter(|_| shows),
        note: if act == Act::Narrows { narrowed(issue, defence) } else { String::new() },
        act,
    })
}

/// Which lines a narrower claim is about, where that changes.
fn narrowed(issue: &Issue, defence: &Defence) -> String {
    let raised = issue.members.iter().find(|member| member.key() == defence.target);
    let before = raised.map(|raised| (raised.finding.line_start, raised.finding.line_end));
    match defence.lines.filter(|lines| Some(*lines) != before) {
        Some((start, end)) if start == end => format!("Now about line {start} only."),
        Some((start, end)) => format!("Now about lines {start} to {end} only."),
        None => String::new(),
    }
}

impl Turn<'_> {
    /// For a list: `**Claude objects:** the guard releases it: `let guard = …` (line 49)`.
    #[must_use]
    pub fn item(&self, review: &Review, about: &Raised, most: usize) -> String {
        let (lane, verb) = (self.lane, self.act.verb());
        if let Act::NotHeard(why) = &self.act {
            return format!("**{lane} {verb}**{}.", because(why.as_deref()));
        }
        let code = self.code.as_ref().map(|code| code.markdown(review, about));
        let rest = joined(&safe::inline(self.before_code(), most), code, &self.note);
        if rest.is_empty() { format!("**{lane} {verb}.**") } else { format!("**{lane} {verb}:** {rest}") }
    }

    /// For a comment: a quoted paragraph that says on which side the lane is.
    #[must_use]
    pub fn quoted(&self, review: &Review, about: &Raised, most: usize) -> String {
        let lane = self.lane;
        let label = match (self.act.side(), &self.act) {
            (Some(_), Act::NotHeard(why)) => {
                return format!("> **For ({lane}):** was not heard on this{}.", because(why.as_deref()));
            }
            (Some(side), Act::Objects | Act::SaysOtherwise) => format!("{side} ({lane}):"),
            (Some(side), act) => format!("{side} ({lane}), who {}:", act.verb()),
            (None, act) => format!("{lane} {}:", act.verb()),
        };
        let code = self.code.as_ref().map(|code| code.markdown(review, about));
        let text = safe::block(self.before_code(), most);
        let text = text.trim();
        let paragraphs = if text.contains('\n') {
            // Code that begins behind other words on its line would be no code any more.
            let behind = joined("", code, &self.note);
            [format!("**{label}**"), text.to_owned(), behind].join("\n\n").trim_end().to_owned()
        } else {
            let rest = joined(text, code, &self.note);
            format!("**{label}** {}", if rest.is_empty() { "no reason given." } else { &rest })
        };
        format!("> {}", paragraphs.replace('\n', "\n> ").replace("\n> \n", "\n>\n"))
    }

    /// For a terminal: one line, still untrusted.
    #[must_use]
    pub fn text(&self, about: &Raised) -> String {
        let why = match &self.act {
            Act::NotHeard(Some(why)) => format!(" ({why})"),
            _ => String::new(),
        };
        let code = self.code.as_ref().map(|code| code.text(about));
        let rest = joined(&flat(self.before_code()), code, &self.note);
        let colon = if rest.is_empty() { "" } else { ": " };
        format!("{} {}{why}{colon}{rest}", self.lane, self.act.verb())
    }

    /// Its words, ready to be followed by code.
    fn before_code(&self) -> &str {
        let says = self.says.trim();
        if self.code.is_some() { says.strip_suffix('.').unwrap_or(says) } else { says }
    }
}

/// Words, the code behind a colon, and our note as sentences of their own.
fn joined(words: &str, code: Option<String>, note: &str) -> String {
    let said = match code {
        Some(code) if words.is_empty() => code,
        Some(code) => format!("{words}: {code}"),
        None => words.to_owned(),
    };
    match (said.is_empty(), note.is_empty()) {
        (_, true) => said,
        (true, false) => note.to_owned(),
        (false, false) => {
            let stop = if said.ends_with(['.', '?', '!', '…']) { "" } else { "." };
            format!("{said}{stop} {note}")
        }
    }
}

fn because(why: Option<&str>) -> String {
    why.map(|why| format!(" ({})", safe::inline(why, 160))).unwrap_or_default()
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// For whom a question is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Whoever reads it on GitHub.
    GitHub,
    /// Whoever reads it in a terminal: what comes out is still untrusted.
    Terminal,
}

impl Reader {
    fn code(self, text: &str) -> String {
        match self {
            Self::GitHub => safe::code(text),
            Self::Terminal => format!("`{}`", flat(text)),
        }
    }

    /// Without links: what is named stands right above with them.
    fn quoted(self, quoted: &Quoted<'_>, about: &Raised) -> String {
        match self {
            Self::GitHub => quoted.unlinked(about),
            Self::Terminal => quoted.text(about),
        }
    }
}

/// What would settle a contested issue, made of what the two sides rest on; `None` where nobody objects.
#[must_use]
pub fn question(review: &Review, issue: &Issue, reader: Reader) -> Option<String> {
    let main = words::voice(issue)?;
    match issue.verdict {
        Verdict::Contradiction => Some(which(review, issue, main, reader)),
        Verdict::Disputed => Some(whether(review, issue, main, reader)),
        _ => None,
    }
}

/// Of two claims that exclude each other.
fn which(review: &Review, issue: &Issue, main: &Raised, reader: Reader) -> String {
    let Some(opponent) = words::opponent(issue) else { return "which of the two is right?".to_owned() };
    let (raiser, other) = (&main.lane, opponent.lane);
    match opponent.why {
        Why::Fixes { original, a, b } => {
            let [original, a, b] = [original, a, b].map(|text| reader.code(text));
            format!("{original} can become {a} or {b}, not both: which is meant?")
        }
        Why::Advice { object, .. } => {
            format!(
                "{raiser} and {other} ask for opposite changes of {}: which is meant?",
                reader.code(object)
            )
        }
        Why::Cleared => {
            format!("can what {raiser} describes happen, or does {other}'s reason rule it out?")
        }
        Why::Denial { .. } => match Quoted::read(review, &main.finding.path, &main.finding.quote) {
            Some(code) => {
                let code = reader.quoted(&code, main);
                format!("can what {raiser} describes happen at {code}, or is {other} right that it holds?")
            }
            None => format!("{raiser} and {other} cannot both be right: which of them is?"),
        },
    }
}

/// Whether an objection rules an issue out.
fn whether(review: &Review, issue: &Issue, main: &Raised, reader: Reader) -> String {
    let turns = turns(review, issue);
    let code_of = |acts: &[Act]| {
        let mut turns = turns.iter().filter(|turn| acts.contains(&turn.act));
        turns.find_map(|turn| Some((turn.lane, turn.code.as_ref()?)))
    };
    let say = |code: &Quoted<'_>| reader.quoted(code, main);
    match (code_of(&[Act::Objects]), code_of(&[Act::StandsBy, Act::Narrows])) {
        (Some((other, against)), Some((raiser, for_it))) if against == for_it => {
            format!("{raiser} and {other} read {} differently: does it rule this out?", say(against))
        }
        (Some((_, against)), Some((_, for_it))) => {
            format!("does {} rule this out, even with {}?", say(against), say(for_it))
        }
        (Some((_, against)), None) => format!("does {} rule this out?", say(against)),
        (None, _) => format!("can what {} describes happen?", main.lane),
    }
}
