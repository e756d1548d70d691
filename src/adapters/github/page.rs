//! Lists that come in pages.

use futures_util::stream::{self, StreamExt, TryStreamExt};
use reqwest::Url;
use serde::de::DeserializeOwned;

use super::call::{JSON, JSON_CAP};
use super::error::Error;
use super::transport::{Answer, same_origin};
use super::{GitHub, with_query};

/// Reads in flight at once. GitHub allows 100 concurrent requests and prefers fewer.
pub(super) const AT_ONCE: usize = 6;

/// A page's rows, bare or inside an object.
pub(super) trait Rows: DeserializeOwned + Send {
    type Row: Send;

    fn rows(self) -> Vec<Self::Row>;
}

impl<T: DeserializeOwned + Send> Rows for Vec<T> {
    type Row = T;

    fn rows(self) -> Vec<T> {
        self
    }
}

struct Page<T> {
    rows: Vec<T>,
    next: Option<Next>,
    last: Option<u64>,
}

/// Where the next page stands.
enum Next {
    Here(Url),
    /// The link leads to another origin, as happens behind a proxy. It is not followed: the next number is asked
    /// for at home.
    Elsewhere,
}

impl GitHub {
    /// All rows of a list, a hundred a page, at most `cap` pages. When the first page tells which is the last,
    /// the others are read together.
    pub(super) async fn list<P: Rows>(&self, url: Url, cap: u64) -> Result<Vec<P::Row>, Error> {
        let first_url = with_query(url, &[("per_page", "100")]);
        let first = self.page::<P>(&first_url).await?;
        let mut rows = first.rows;
        let mut next = first.next.map(|next| next.url(&first_url, 2));
        let mut number = 2;
        if let (Some(second), Some(last)) = (&next, first.last.map(|last| last.min(cap)))
            && page_number(second) == Some(2)
        {
            let urls: Vec<Url> = (2..=last).map(|number| set_page(second, number)).collect();
            let pages = urls.iter().map(|url| self.page::<P>(url));
            let pages: Vec<Page<P::Row>> = stream::iter(pages).buffered(AT_ONCE).try_collect().await?;
            for page in pages {
                rows.extend(page.rows);
                number += 1;
                // Counts only for the last of them: the list may have grown meanwhile.
                next = page.next.map(|next| next.url(&first_url, number));
            }
        }
        while let Some(url) = next.take_if(|_| number <= cap) {
            let page = self.page::<P>(&url).await?;
            number += 1;
            // A server that does not know pages would send the same link for ever.
            next = page.next.filter(|_| !page.rows.is_empty()).map(|next| next.url(&first_url, number));
            rows.extend(page.rows);
        }
        if next.is_some() {
            tracing::warn!(path = first_url.path(), pages = cap, "a list on GitHub is longer than is read");
        }
        Ok(rows)
    }

    async fn page<P: Rows>(&self, url: &Url) -> Result<Page<P::Row>, Error> {
        self.read(url, JSON, JSON_CAP, |answer: Answer| {
            let link = answer.link().unwrap_or_default();
            let next = link_to(link, "next").map(|link| match answer.url.join(&link) {
                Ok(next) if same_origin(&next, &self.transport.api) => Next::Here(next),
                _ => Next::Elsewhere,
            });
            let last = link_to(link, "last").and_then(|link| answer.url.join(&link).ok());
            let last = last.as_ref().and_then(page_number);
            Ok(Page { rows: answer.json::<P>()?.rows(), next, last })
        })
        .await
    }
}

impl Next {
    fn url(self, first: &Url, number: u64) -> Url {
        match self {
            Self::Here(url) => url,
            Self::Elsewhere => set_page(first, number),
        }
    }
}

fn page_number(url: &Url) -> Option<u64> {
    url.query_pairs().find(|(name, _)| name == "page").and_then(|(_, number)| number.parse().ok())
}

/// The address with another page number, everything else kept.
pub(super) fn set_page(url: &Url, number: u64) -> Url {
    let others: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| name != "page")
        .map(|(n, v)| (n.into_owned(), v.into_owned()))
        .collect();
    let mut url = url.clone();
    url.query_pairs_mut().clear().extend_pairs(others).append_pair("page", &number.to_string());
    url
}

/// The address that a Link header gives for a relation.
fn link_to(header: &str, relation: &str) -> Option<String> {
    let mut rest = header;
    while let Some((_, after)) = rest.split_once('<') {
        let (url, after) = after.split_once('>')?;
        let (parameters, next) = after.find('<').map_or((after, ""), |at| after.split_at(at));
        let named = parameters.split([';', ',']).any(|parameter| {
            parameter.trim().split_once('=').is_some_and(|(name, value)| {
                let value = value.trim().trim_matches('"');
                name.trim().eq_ignore_ascii_case("rel") && value.split_whitespace().any(|one| one == relation)
            })
        });
        if named {
            return Some(url.to_owned());
        }
        rest = next;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_header_is_read_by_relation() {
        let header = r#"<https://a/x?page=2&q=1,2>; rel="next", <https://a/x?page=9>; title="<"; rel=last"#;
        assert_eq!(link_to(header, "next").as_deref(), Some("https://a/x?page=2&q=1,2"));
        assert_eq!(
            link_to(r#"<https://a/x?page=9>; rel="last""#, "last").as_deref(),
            Some("https://a/x?page=9")
        );
        assert_eq!(link_to(r#"</x?page=3>; rel="prev next""#, "next").as_deref(), Some("/x?page=3"));
        for nothing in ["", "<", "<https://a", "https://a; rel=next", "<https://a>; rel=nextly"] {
            assert_eq!(link_to(nothing, "next"), None, "{nothing}");
        }
    }
}
