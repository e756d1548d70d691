//! The rules for contributors and their tools that a repository keeps itself: `AGENTS.md` and `CLAUDE.md` at the
//! root of the base branch. Never those of the head: the author of a change does not choose how it is judged.

use crate::domain::redact::{self, Secrets};

/// The files that hold such rules, the more general name first.
pub const FILES: [&str; 2] = ["AGENTS.md", "CLAUDE.md"];

/// Each is cut here, in bytes: more context has been measured to make reviews worse.
const MAX_BYTES: usize = 8_000;

/// One file of rules, secrets replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guideline {
    /// Its path on the base branch.
    pub from: &'static str,
    /// What it says, without what another one says already.
    pub text: String,
}

/// What the files say, each thing once: many repositories make one a link to the other or import it.
#[must_use]
pub fn gather(files: &[(&'static str, String)], secrets: &Secrets) -> Vec<Guideline> {
    let mut found: Vec<Guideline> = Vec::new();
    for (from, text) in files {
        let own: Vec<&str> =
            text.trim_start_matches('\u{feff}').lines().filter(|line| !is_pointer(line)).collect();
        let text = own.join("\n").trim().to_owned();
        // A link that git did not follow has its target as its text.
        let says =
            text.lines().any(|line| !line.starts_with('#') && line.trim().contains(char::is_whitespace));
        if says {
            let text = redact::text(&text);
            let text = secrets.mask(&text);
            found.push(Guideline { from, text: cut(&text) });
        }
    }
    found.dedup_by(|later, earlier| later.text == earlier.text);
    found
}

/// The rules of the configuration and those of the files as one text, the configuration's first.
#[must_use]
pub fn told(configured: &str, files: &[Guideline]) -> String {
    let configured = Some(configured.trim().to_owned()).filter(|text| !text.is_empty());
    let files = files.iter().map(|guideline| format!("From `{}`:\n{}", guideline.from, guideline.text));
    configured.into_iter().chain(files).collect::<Vec<_>>().join("\n\n")
}

/// Whether a line is the name of one of the files and nothing else: an import, or the text of a link.
fn is_pointer(line: &str) -> bool {
    let line = line.trim();
    let line = line.strip_prefix('@').unwrap_or(line);
    FILES.contains(&line.strip_prefix("./").unwrap_or(line))
}

fn cut(text: &str) -> String {
    match text.get(..text.floor_char_boundary(MAX_BYTES)) {
        Some(begin) if begin.len() < text.len() => format!("{begin} … (cut)"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(agents: &str, claude: &str) -> Vec<(&'static str, String)> {
        let files = [("AGENTS.md", agents.to_owned()), ("CLAUDE.md", claude.to_owned())];
        let found = gather(&files, &Secrets::default());
        found.into_iter().map(|guideline| (guideline.from, guideline.text)).collect()
    }

    #[test]
    fn the_same_rules_are_told_once() {
        let agents = vec![("AGENTS.md", "Count in cents.".to_owned())];
        for claude in [
            "Count in cents.",
            "Count in cents.\r\n",
            "@AGENTS.md",
            "@./AGENTS.md\n",
            "# CLAUDE.md\n\n@AGENTS.md\n",
            "AGENTS.md",
            "docs/rules.md",
            "",
        ] {
            assert_eq!(said("Count in cents.\n", claude), agents, "{claude}");
        }
        assert_eq!(said("@CLAUDE.md", "Count in cents."), [("CLAUDE.md", "Count in cents.".to_owned())]);
        assert_eq!(said("@CLAUDE.md", "@AGENTS.md"), []);
    }

    #[test]
    fn what_stands_beside_an_import_is_kept() {
        assert_eq!(
            said("Count in cents.", "@AGENTS.md\n\nNever round."),
            [("AGENTS.md", "Count in cents.".to_owned()), ("CLAUDE.md", "Never round.".to_owned())]
        );
    }

    #[test]
    fn long_rules_are_cut_and_secrets_replaced() {
        let key = format!("{}_{}", "ghp", "aB3".repeat(12));
        let rules = said(&format!("Use {key} to push.\n{}", "ä rule ".repeat(2_000)), "");
        let text = &rules[0].1;
        assert!(text.len() < MAX_BYTES + 20 && text.ends_with("… (cut)"), "{}", text.len());
        assert!(text.starts_with("Use [redacted"), "{text}");
    }

    #[test]
    fn the_rules_of_the_configuration_come_first() {
        let files = gather(&[("AGENTS.md", "Be kind.".to_owned())], &Secrets::default());
        assert_eq!(told("Be exact.\n", &files), "Be exact.\n\nFrom `AGENTS.md`:\nBe kind.");
        assert_eq!(told("", &[]), "");
    }
}
