//! One page of a list: prefix, delimiter, limit, and where the next page begins. It knows nothing
//! of what is listed, nor how a list looks on the wire.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::super::record::text::hexadecimal;

/// Most entries that S3 puts on one page.
pub(super) const PAGE_ENTRIES_MAX: usize = 1_000;

/// Which entries are wanted on a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Selection<'a> {
    pub prefix: &'a str,
    /// Keys with this text after the prefix are shown as one common prefix; never empty.
    pub delimiter: Option<&'a str>,
    /// A common prefix that an earlier page has shown.
    pub shown_prefix: Option<&'a str>,
    /// Most entries, common prefixes included.
    pub entries_max: usize,
}

/// What a page ends with, if others follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Last {
    /// The last entry of `entries`.
    Entry,
    /// The last one of `common_prefixes`.
    CommonPrefix,
}

/// One page.
#[derive(Debug)]
pub(super) struct Page<'a, T> {
    pub entries: Vec<(&'a str, T)>,
    pub common_prefixes: Vec<&'a str>,
    /// None on the last page.
    pub more_after: Option<Last>,
}

impl<T> Page<'_, T> {
    /// How many entries count against the limit.
    pub fn len(&self) -> usize {
        self.entries.len() + self.common_prefixes.len()
    }

    /// The key or common prefix after which the next page begins.
    pub fn next_marker(&self) -> Option<&str> {
        match self.more_after.as_ref()? {
            Last::Entry => self.entries.last().map(|(key, _)| *key),
            Last::CommonPrefix => self.common_prefixes.last().copied(),
        }
    }
}

/// The first page of `entries`, which are in key order.
pub(super) fn page<'a, T>(
    entries: impl Iterator<Item = (&'a str, T)>,
    selection: Selection<'_>,
) -> Page<'a, T> {
    let mut page = Page { entries: Vec::new(), common_prefixes: Vec::new(), more_after: None };
    let mut last = None;
    for (key, entry) in entries.filter(|(key, _)| key.starts_with(selection.prefix)) {
        let common = common_prefix(key, selection);
        let is_shown = common.is_some()
            && (common == selection.shown_prefix || common == page.common_prefixes.last().copied());
        if is_shown {
            continue;
        }
        if page.len() == selection.entries_max {
            page.more_after = last;
            break;
        }
        if let Some(common) = common {
            page.common_prefixes.push(common);
            last = Some(Last::CommonPrefix);
        } else {
            page.entries.push((key, entry));
            last = Some(Last::Entry);
        }
    }
    page
}

fn common_prefix<'a>(key: &'a str, selection: Selection<'_>) -> Option<&'a str> {
    let delimiter = selection.delimiter?;
    let rest = key.strip_prefix(selection.prefix)?;
    let end = selection.prefix.len() + rest.find(delimiter)? + delimiter.len();
    key.get(..end)
}

/// What stays as it is where `encoding-type=url` is asked for.
const KEPT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'/');

/// A name as lists write it that were asked for with `encoding-type=url`.
pub(super) fn percent_encoded(name: &str) -> String {
    utf8_percent_encode(name, KEPT).to_string()
}

/// A text that callers give back to see the next page, and should not look into.
pub(super) fn continuation_token(marker: &str) -> String {
    hexadecimal(marker.as_bytes())
}

/// The marker that a token stands for; none if it is no token.
pub(super) fn marker_of(token: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> = token
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    String::from_utf8(bytes?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 6] = ["a", "b/1", "b/2", "c", "d/x/1", "e"];

    fn listed(selection: Selection<'_>, after: &str) -> (Vec<String>, Option<String>) {
        let entries = KEYS.iter().filter(|key| **key > after).map(|key| (*key, ()));
        let page = page(entries, selection);
        let mut seen: Vec<String> = page.entries.iter().map(|(key, ())| (*key).into()).collect();
        seen.extend(page.common_prefixes.iter().map(|prefix| format!("{prefix}*")));
        (seen, page.next_marker().map(str::to_owned))
    }

    const ALL: Selection<'_> =
        Selection { prefix: "", delimiter: None, shown_prefix: None, entries_max: 1_000 };

    #[test]
    fn a_delimiter_folds_what_lies_deeper() {
        let folded = Selection { delimiter: Some("/"), ..ALL };
        assert_eq!(listed(folded, "").0, ["a", "c", "e", "b/*", "d/*"]);
        let inside = Selection { prefix: "d/", ..folded };
        assert_eq!(listed(inside, "").0, ["d/x/*"]);
        assert_eq!(listed(Selection { prefix: "b/", ..folded }, "").0, ["b/1", "b/2"]);
        assert_eq!(listed(Selection { prefix: "b", ..ALL }, "").0, ["b/1", "b/2"]);
    }

    #[test]
    fn pages_continue_where_the_last_one_ended_and_the_last_says_so() {
        let two = Selection { entries_max: 2, ..ALL };
        assert_eq!(listed(two, ""), (vec!["a".into(), "b/1".into()], Some("b/1".into())));
        assert_eq!(listed(two, "c"), (vec!["d/x/1".into(), "e".into()], None));
        assert_eq!(listed(Selection { entries_max: 0, ..ALL }, ""), (vec![], None));
    }

    #[test]
    fn a_common_prefix_is_shown_on_one_page_only() {
        let folded = Selection { delimiter: Some("/"), entries_max: 2, ..ALL };
        assert_eq!(listed(folded, ""), (vec!["a".into(), "b/*".into()], Some("b/".into())));
        let second = Selection { shown_prefix: Some("b/"), ..folded };
        assert_eq!(listed(second, "b/"), (vec!["c".into(), "d/*".into()], Some("d/".into())));
        let third = Selection { shown_prefix: Some("d/"), ..folded };
        assert_eq!(listed(third, "d/"), (vec!["e".into()], None));
    }

    #[test]
    fn names_are_encoded_so_that_both_kinds_of_decoding_agree() {
        assert_eq!(percent_encoded("a b+c%20/é*"), "a%20b%2Bc%2520/%C3%A9*");
    }

    #[test]
    fn a_token_stands_for_its_marker_and_nothing_else_is_one() {
        assert_eq!(marker_of(&continuation_token("b/é")).as_deref(), Some("b/é"));
        assert_eq!(marker_of("not a token"), None);
        assert_eq!(marker_of("ff"), None, "no UTF-8");
    }
}
