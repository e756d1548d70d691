//! A page that stands alone: one file, no script, nothing loaded from elsewhere.

use crate::domain::redact::is_invisible;

/// Light and dark as the reader's system has it; one column on a phone.
const STYLE: &str = include_str!("page.css");

/// A page. Text in `title` and `body` is escaped already.
pub(super) fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )
}

/// At most so many characters of untrusted text, as text within an element or a quoted attribute. What nobody can see is
/// left out: it could turn the direction of what follows.
pub(super) fn escape(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most));
    let mut visible = text.chars().filter(|c| !is_invisible(*c));
    for c in visible.by_ref().take(most) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    if visible.next().is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_character_of_a_text_is_markup() {
        assert_eq!(
            escape("<a href=\"x\" id='y'>&amp;", 99),
            "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;"
        );
        assert_eq!(escape("a\u{202e}b\u{0}c\r\n", 99), "abc\n");
        assert_eq!(escape("<<<", 2), "&lt;&lt;…");
        assert_eq!(escape("ab\u{200b}", 2), "ab");
    }

    #[test]
    fn a_page_loads_nothing_and_runs_nothing() {
        let page = page("a and b", "<p>x</p>\n");
        assert!(page.contains("<title>a and b</title>"), "{page}");
        for word in ["<script", "http:", "https:", "url(", "@import", "src="] {
            assert!(!page.contains(word), "{word}: {page}");
        }
    }
}
