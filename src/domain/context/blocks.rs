//! Which block a line stands in, told by indentation: no grammar, so that it serves every language that people
//! indent, in one pass over the lines.

/// A tab goes on to the next multiple of this. Only mixed indentation makes the choice felt.
const TAB: usize = 4;

/// A signature that is longer than this is shown by its first line.
const SIGNATURE: usize = 8;

/// The words of a line that can say what it is: `public static async override function` has as many.
const LEADING: usize = 5;

/// Words that begin a definition with a body.
const DEFINING: [&str; 10] =
    ["fn", "def", "func", "function", "fun", "sub", "proc", "procedure", "defp", "defn"];

/// Words that name what definitions stand in.
const HOLDING: [&str; 10] = [
    "class",
    "impl",
    "trait",
    "interface",
    "mod",
    "module",
    "namespace",
    "protocol",
    "extension",
    "describe",
];

/// Words that begin a statement with a body, which is therefore no definition.
const STEERING: [&str; 22] = [
    "if",
    "for",
    "foreach",
    "while",
    "switch",
    "match",
    "select",
    "loop",
    "do",
    "try",
    "with",
    "using",
    "return",
    "unless",
    "until",
    "guard",
    "synchronized",
    "lock",
    "await",
    "assert",
    "let",
    "unsafe",
];

/// Words that carry on a statement at the indentation of its beginning.
const CONTINUING: [&str; 13] = [
    "else", "elif", "elsif", "except", "catch", "finally", "rescue", "ensure", "case", "default", "when",
    "where", "then",
];

/// Words that end a block and say nothing else.
const ENDING: [&str; 5] = ["end", "fi", "done", "esac", "endif"];

/// What a line with a block below it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A function, in whatever word.
    Definition,
    /// What functions stand in: a class, a module.
    Holder,
    /// A condition, a loop, a branch; the end of a signature.
    Statement,
    /// Anything else with indented lines below: a struct, a key of YAML, a call.
    Other,
}

/// How deep a line stands: its columns, then its part in the block that begins in the same column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Depth(usize, Part);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    #[default]
    Start,
    /// `} else {`, `case 1:`, `) -> u32 {`.
    Continuation,
    /// `}`, `end`; an opening bracket alone.
    Bracket,
}

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// Absent where the column says nothing.
    depth: Option<Depth>,
    /// Whether a block begins here.
    opens: bool,
    /// The first line of the block around this one, if this one opens a block.
    outer: Option<usize>,
    /// The first line of the innermost block that is open below this line.
    inner: Option<usize>,
}

/// A file's lines with the blocks they begin. Lines are counted from 0.
pub(in crate::domain) struct Blocks<'a> {
    lines: &'a [&'a [u8]],
    places: Vec<Place>,
}

impl<'a> Blocks<'a> {
    pub(in crate::domain) fn of(lines: &'a [&'a [u8]]) -> Self {
        let mut places = vec![Place::default(); lines.len()];
        // From the end, because a line opens a block by what follows it.
        let quoted = quoted(lines);
        let mut below: Option<(Depth, &[u8])> = None;
        for (at, ((line, place), quoted)) in lines.iter().zip(&mut places).zip(quoted).enumerate().rev() {
            let code = line.trim_ascii();
            if quoted || says_nothing(code) {
                continue;
            }
            let above = at.checked_sub(1).and_then(|at| lines.get(at)).copied().unwrap_or_default();
            let depth = Depth(columns(line), part(code, above.trim_ascii_end()));
            place.depth = Some(depth);
            place.opens = depth.1 != Part::Bracket && opens(code, depth, below);
            below = Some((depth, code));
        }
        // The blocks that are open, the outermost first; their depths only grow.
        let mut open: Vec<(Depth, usize)> = Vec::new();
        for (at, place) in places.iter_mut().enumerate() {
            if let Some(depth) = place.depth.filter(|_| place.opens) {
                open.truncate(open.partition_point(|(outer, _)| *outer < depth));
                place.outer = open.last().map(|(_, at)| *at);
                open.push((depth, at));
            }
            place.inner = open.last().map(|(_, at)| *at);
        }
        Self { lines, places }
    }

    pub(in crate::domain) fn opens(&self, line: usize) -> bool {
        self.places.get(line).is_some_and(|place| place.opens)
    }

    /// The first lines of the blocks around code that stands, or once stood, in front of `line` or at it: the
    /// innermost first.
    pub(in crate::domain) fn around(&self, code: &[u8], line: usize) -> impl Iterator<Item = usize> + '_ {
        let depth = Depth(columns(code), part(code.trim_ascii(), b""));
        let place = |line: usize| self.places.get(line).copied().unwrap_or_default();
        let innermost = line.checked_sub(1).and_then(|above| place(above).inner);
        std::iter::successors(innermost, move |line| place(*line).outer)
            .skip_while(move |line| place(*line).depth >= Some(depth))
    }

    /// Whether the block that `header` begins goes on with this line, if it reached the one before.
    pub(in crate::domain) fn goes_on(&self, header: usize, line: usize) -> bool {
        let depth = |at: usize| self.places.get(at).and_then(|place| place.depth);
        line < self.lines.len() && depth(line).is_none_or(|deep| Some(deep) > depth(header))
    }

    /// The last line of the block that `header` begins; `header` itself where it begins none.
    pub(in crate::domain) fn end(&self, header: usize) -> usize {
        let inside = (header + 1..).take_while(|at| self.opens(header) && self.goes_on(header, *at));
        let speaks = |at: &usize| !self.lines.get(*at).is_none_or(|line| says_nothing(line.trim_ascii()));
        inside.filter(speaks).last().unwrap_or(header)
    }

    /// Whether a line begins a function.
    pub(in crate::domain) fn defines(&self, line: usize) -> bool {
        self.opens(line) && self.kind(line) == Kind::Definition
    }

    /// The last line of the signature that a block begins with.
    pub(in crate::domain) fn signature_end(&self, header: usize) -> usize {
        let mut open = 0_i32;
        for (at, line) in self.lines.iter().enumerate().skip(header).take(SIGNATURE) {
            let line = line.trim_ascii_end();
            open = line.iter().fold(open, |open, byte| match byte {
                b'(' | b'[' => open.saturating_add(1),
                b')' | b']' => open.saturating_sub(1),
                _ => open,
            });
            if open <= 0 || line.ends_with(b"{") {
                return at;
            }
        }
        header
    }

    /// Of the blocks around a place, the innermost first, the one to read: the function, or where there is none
    /// a block of data. Of a class only its head is worth reading.
    pub(in crate::domain) fn home(&self, heads: impl Iterator<Item = usize>) -> Option<usize> {
        let mut data = None;
        for head in heads {
            match self.kind(head) {
                Kind::Definition => return Some(head),
                Kind::Holder => break,
                Kind::Other => data = data.or(Some(head)),
                Kind::Statement => {}
            }
        }
        data
    }

    fn kind(&self, header: usize) -> Kind {
        let code = self.lines.get(header).copied().unwrap_or_default().trim_ascii();
        let depth = self.places.get(header).and_then(|place| place.depth);
        let mut words = words(code).take(LEADING);
        let first = words.clone().next().unwrap_or_default();
        if STEERING.contains(&first) || depth.is_none_or(|depth| depth.1 == Part::Continuation) {
            return Kind::Statement;
        }
        if words.clone().any(|word| DEFINING.contains(&word)) {
            return Kind::Definition;
        }
        if words.any(|word| HOLDING.contains(&word)) {
            return Kind::Holder;
        }
        let end = self.signature_end(header);
        let signature = self.lines.get(header..=end).unwrap_or_default();
        let count =
            |bracket| signature.iter().flat_map(|line| line.iter()).filter(|b| **b == bracket).count();
        let last = signature.last().copied().unwrap_or_default().trim_ascii_end();
        let next = self.lines.get(end + 1).copied().unwrap_or_default().trim_ascii();
        // `name(…) {` has its brackets closed; a callback, `call(…, () => {`, has not.
        let called = count(b'(') > 0 && count(b'(') == count(b')');
        let bodied = last.ends_with(b"{") || last.ends_with(b"=>") || next == b"{";
        if called && bodied { Kind::Definition } else { Kind::Other }
    }
}

/// The column that the code of a line begins in.
fn columns(line: &[u8]) -> usize {
    let blanks = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t'));
    blanks.fold(0, |column, byte| if *byte == b'\t' { (column / TAB + 1) * TAB } else { column + 1 })
}

/// Which lines stand in a text of several lines between `"""`, or end one.
fn quoted(lines: &[&[u8]]) -> Vec<bool> {
    let mut inside = false;
    let quoted = lines.iter().map(|line| {
        let was_inside = inside;
        inside ^= String::from_utf8_lossy(line).matches("\"\"\"").count() % 2 == 1;
        was_inside
    });
    quoted.collect()
}

/// Blank lines, comments and preprocessor lines: they stand in any column.
pub(in crate::domain) fn says_nothing(code: &[u8]) -> bool {
    let starts = |sign: &&[u8]| code.starts_with(sign);
    let comments: [&[u8]; 6] = [b"//", b"/*", b"* ", b"*/", b"--", b"<!--"];
    // `#` begins comments, attributes and directives, but selectors of style sheets too.
    matches!(code, b"" | b"*")
        || comments.iter().any(starts)
        || code.starts_with(b"#") && !code.ends_with(b"{")
}

fn part(code: &[u8], above: &[u8]) -> Part {
    let closes = code.iter().take_while(|byte| matches!(byte, b'}' | b')' | b']')).count();
    let rest = code.get(closes..).unwrap_or_default();
    let marks = |rest: &[u8]| rest.iter().all(|byte| matches!(byte, b';' | b',' | b')' | b']' | b'}' | b' '));
    let first = words(code).next().unwrap_or_default();
    if marks(rest) && closes > 0 || code == b"{" || code.starts_with(b"</") {
        return Part::Bracket;
    }
    if ENDING.contains(&first) && marks(code.get(first.len()..).unwrap_or_default()) {
        return Part::Bracket;
    }
    // `out:` of C, `private:` of C++; in YAML and Python no line before it ends like this.
    let label = code.strip_suffix(b":").is_some_and(|name| name == first.as_bytes() && !name.is_empty())
        && matches!(above.last(), Some(b';' | b'}' | b'{'));
    let continues = closes > 0 || CONTINUING.contains(&first) || label;
    if continues { Part::Continuation } else { Part::Start }
}

/// Whether a block begins with a line: it says so, or what follows is indented deeper.
fn opens(code: &[u8], depth: Depth, below: Option<(Depth, &[u8])>) -> bool {
    let defines = !code.ends_with(b";") && words(code).take(LEADING).any(|word| DEFINING.contains(&word));
    matches!(code.last(), Some(b'{' | b'(' | b'[' | b':'))
        || below.is_some_and(|(next, code)| next.0 > depth.0 || code == b"{" && next.0 == depth.0)
        || defines
}

/// The words of a line up to its first bracket, that of `pub(crate)` not counted.
fn words(code: &[u8]) -> impl Iterator<Item = &str> + Clone {
    let visibility = code.starts_with(b"pub(").then(|| code.iter().position(|byte| *byte == b')')).flatten();
    let code = code.get(visibility.map_or(0, |end| end + 1)..).unwrap_or_default();
    let head = code.split(|byte| matches!(byte, b'(' | b'"' | b'\'')).find(|part| !part.is_empty());
    head.unwrap_or_default()
        .split(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')
        .filter(|word| !word.is_empty())
        .filter_map(|word| std::str::from_utf8(word).ok())
}
