//! What a server repeats of a request is not repeated to people: an error stands in logs, records and summaries, and the
//! prompt belongs in none of them.

use serde_json::Value;

use crate::adapters::http::one_line;

/// The shortest piece of a prompt that counts as repeated, in characters. Shorter ones are the names and numbers that an
/// error is about.
const SHORTEST: usize = 24;

/// The first `limit` characters of what a server said, on one line, with `[…]` for all that it repeats of the request's text.
/// A piece ends where the server changed anything but white space and escapes.
pub(in crate::adapters) fn without_prompt(said: &str, body: &[u8], limit: usize) -> String {
    let mut texts = Vec::new();
    gather(&serde_json::from_slice(body).unwrap_or_default(), &mut texts);
    let said: Vec<char> = one_line(said, limit).chars().collect();
    let mut repeated = vec![false; said.len()];
    for (at, window) in said.windows(SHORTEST).enumerate() {
        let window: String = window.iter().collect();
        if texts.iter().any(|text| text.contains(&window)) {
            repeated.iter_mut().skip(at).take(SHORTEST).for_each(|repeated| *repeated = true);
        }
    }
    let mut rest = String::new();
    let runs = said.iter().zip(&repeated).collect::<Vec<_>>();
    for run in runs.chunk_by(|(_, one), (_, other)| one == other) {
        let text: String = run.iter().map(|(letter, _)| **letter).collect();
        if run.iter().all(|(_, repeated)| !**repeated) {
            rest.push_str(&text);
            continue;
        }
        // The blanks around a piece are the server's own.
        let blank = |blank: bool| if blank { " " } else { "" };
        rest.push_str(blank(text.starts_with(' ')));
        rest.push_str("[…]");
        rest.push_str(blank(text.ends_with(' ')));
    }
    rest
}

/// The texts of a request, as they are and as they stand in JSON. A schema is no secret, and errors are often about it.
fn gather(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) if text.len() >= SHORTEST => {
            texts.extend([text, &value.to_string()].map(|text| one_line(text, usize::MAX)));
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, texts)),
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(name, _)| !matches!(name.as_str(), "schema" | "model"));
            fields.for_each(|(_, field)| gather(field, texts));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn body(text: &str) -> Vec<u8> {
        let schema = json!({"description": "one of the words that are allowed here"});
        json!({"model": "a-model-with-a-very-long-name", "input": [{"text": text}], "schema": schema})
            .to_string()
            .into_bytes()
    }

    #[test]
    fn a_line_of_the_prompt_is_left_out_as_it_is_and_as_it_stands_in_json() {
        let line = "let total = \"one\".to_owned() + second;";
        let body = body(&format!("first\n{line}\nlast"));
        for (said, rest) in [
            (format!("cannot read {line}: sorry"), "cannot read […]: sorry".to_owned()),
            (
                format!("cannot read {}: sorry", line.replace('"', "\\\"")),
                "cannot read […]: sorry".to_owned(),
            ),
            (format!("{line} and {line}"), "[…] and […]".to_owned()),
            (
                "unknown model a-model-with-a-very-long-name".to_owned(),
                "unknown model a-model-with-a-very-long-name".to_owned(),
            ),
            (
                "schema: one of the words that are allowed here".to_owned(),
                "schema: one of the words that are allowed here".to_owned(),
            ),
            ("total is not known".to_owned(), "total is not known".to_owned()),
        ] {
            assert_eq!(without_prompt(&said, &body, 500), rest);
        }
    }

    proptest! {
        #[test]
        fn no_long_piece_of_the_prompt_is_left(
            text in "[a-zé🦀\"\n ]{40,200}", from in 0usize..10, before in "[A-Z]{0,9}", after in "[A-Z]{0,9}",
        ) {
            let text = one_line(&text, 500);
            let piece: String = text.chars().skip(from).take(30).collect();
            prop_assume!(piece.chars().count() == 30 && piece == piece.trim());
            let rest = without_prompt(&format!("{before}{piece}{after}"), &body(&text), 500);
            prop_assert_eq!(rest, format!("{before}[…]{after}"));
        }

        #[test]
        fn anything_can_be_said_of_anything(said in "\\PC{0,90}", body in proptest::collection::vec(any::<u8>(), 0..90)) {
            let rest = without_prompt(&said, &body, 50);
            prop_assert!(rest.chars().count() <= 51 * 3);
        }
    }
}
