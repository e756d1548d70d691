//! What a line does with a name: no grammar, only how definitions look in the languages that are common.

use super::words::is_part;

/// Words that stand in front of what they define.
const DEFINING: [&str; 40] = [
    "fn",
    "def",
    "func",
    "function",
    "fun",
    "sub",
    "proc",
    "procedure",
    "defp",
    "defn",
    "defmodule",
    "defmacro",
    "macro_rules!",
    "class",
    "struct",
    "enum",
    "interface",
    "trait",
    "union",
    "record",
    "object",
    "protocol",
    "module",
    "mod",
    "namespace",
    "package",
    "type",
    "typedef",
    "alias",
    "impl",
    "extension",
    "message",
    "service",
    "#define",
    "table",
    "view",
    "index",
    "trigger",
    "contract",
    "data",
];

/// Words that stand in front of a variable, which is a definition for others only outside of functions.
const BINDING: [&str; 7] = ["const", "let", "var", "val", "static", "final", "mut"];

/// Words that begin a line which only brings names in, or hands them on.
const IMPORTING: [&str; 7] = ["import", "use", "from", "#include", "require", "using", "package"];

/// What a line does with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mention {
    /// It says what the name stands for.
    Definition,
    /// It may: so look the heads of functions in languages without a word for them, and so do calls.
    Head,
    /// It calls it.
    Call,
    /// It names it otherwise.
    Use,
}

impl Mention {
    /// What the line does with the name that begins at `at` and has `length` bytes; nothing where it only imports it
    /// or is a comment.
    pub(super) fn of(line: &str, at: usize, length: usize) -> Option<Self> {
        let (before, rest) = line.split_at_checked(at)?;
        let after = rest.get(length..)?;
        let code = line.trim_start();
        let first = code.split_whitespace().next().unwrap_or_default();
        let comments = ["//", "/*", "* ", "*/", "--", "<!--", "# "];
        if comments.iter().any(|sign| code.starts_with(sign)) || before.contains("//") {
            return None;
        }
        if is_defined(before, after) {
            return Some(Self::Definition);
        }
        if IMPORTING.contains(&first) || code.starts_with("pub use ") || code.starts_with("export {") {
            return None;
        }
        let called = after.starts_with('(') || after.starts_with("!(") || after.starts_with("::<");
        let qualified = before.ends_with('.') || before.contains('(');
        Some(match called {
            true if !qualified && after.starts_with('(') => Self::Head,
            true => Self::Call,
            false => Self::Use,
        })
    }
}

/// Whether a name is being defined between these two parts of its line.
fn is_defined(before: &str, after: &str) -> bool {
    let behind = after.trim_start();
    let value = behind.strip_prefix(":=").or_else(|| behind.strip_prefix(['=', ':']));
    let value = value.filter(|value| !value.starts_with(['=', ':', '>'])).map(str::trim_start);
    let assigned = |value: &str| {
        let value = value.strip_prefix("async ").unwrap_or(value);
        let arrow = value.contains("=>") && (value.starts_with('(') || value.starts_with(is_part));
        value.starts_with("function") || value.starts_with("lambda") || arrow
    };
    if value.is_some_and(assigned) {
        return true;
    }
    // In `fun Type.name`, `Type.` belongs to the name.
    let path = before.trim_end_matches(|c: char| is_part(c) || matches!(c, '.' | ':'));
    let head = if before.ends_with(['.', ':']) { path } else { before }.trim_end();
    // The parameters of `impl<T> Name`, the receiver of `func (r *T) Name`.
    let head = if head.ends_with('>') { head.split('<').next().unwrap_or(head).trim_end() } else { head };
    if head.trim_start().starts_with("func (") && head.ends_with(')') {
        return true;
    }
    let opened = head.matches('(').count() > head.matches(')').count();
    let last = head.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    let last = last.to_ascii_lowercase();
    if !opened && head.len() < before.len() && DEFINING.contains(&&*last) {
        return true;
    }
    let words: Vec<String> = head.split_whitespace().map(str::to_ascii_lowercase).collect();
    if words.first().is_some_and(|word| word == "impl") && last == "for" {
        return true;
    }
    // `CREATE OR REPLACE FUNCTION IF NOT EXISTS schema.name`
    if words.first().is_some_and(|word| word == "create") && !before.contains('(') && words.len() > 1 {
        return last == "exists" || DEFINING.contains(&&*last);
    }
    let top = !before.starts_with([' ', '\t']);
    let bound = words
        .iter()
        .all(|word| matches!(&**word, "pub" | "export" | "default") || BINDING.contains(&&**word));
    top && bound && value.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str, name: &str) -> Option<Mention> {
        Mention::of(line, line.find(name).unwrap(), name.len())
    }

    #[test]
    fn definitions_of_common_languages_are_known() {
        for line in [
            "    pub(crate) const fn pay(&self) {",
            "async def pay(self):",
            "func (s *Shop) pay(amount int) error {",
            "export default async function pay() {",
            "fun Shop.pay(amount: Int) = 1",
            "function M.pay()",
            "class pay(Base):",
            "pub struct pay<T> {",
            "impl<T: Into<X>> pay<T> {",
            "impl Drop for pay {",
            "type pay struct {",
            "    const pay = async (amount) => {",
            "    pay: function (amount) {",
            "    pay = (amount) => {",
            "Shop.prototype.pay = function () {",
            "export const pay = 3;",
            "pay = 3",
            "pub static pay: u32 = 3;",
            "#define pay(x) (x)",
            "CREATE TABLE IF NOT EXISTS shop.pay (",
            "create or replace function pay() returns void",
            "macro_rules! pay {",
            "module pay",
        ] {
            assert_eq!(of(line, "pay"), Some(Mention::Definition), "{line}");
        }
    }

    #[test]
    fn calls_and_uses_are_told_from_definitions() {
        for (line, mention) in [
            ("    shop.pay(3);", Some(Mention::Call)),
            ("    if (pay(3)) {", Some(Mention::Call)),
            ("    return pay(3);", Some(Mention::Head)),
            ("static int pay(int x)", Some(Mention::Head)),
            ("    let x = 1 + pay;", Some(Mention::Use)),
            ("    if x == pay {", Some(Mention::Use)),
            ("    let pay = 1;", Some(Mention::Use)),
            ("int f(struct pay *p)", Some(Mention::Use)),
            ("pay == 3", Some(Mention::Use)),
            ("use crate::pay;", None),
            ("from shop import pay", None),
            ("    // pay() is called", None),
            ("    x(); // pay() is called", None),
            ("    # pay() is called", None),
            ("     * pay() is called", None),
            ("    *sum = shop.pay(3);", Some(Mention::Call)),
        ] {
            assert_eq!(of(line, "pay"), mention, "{line}");
        }
    }
}
