//! Texts that would like to be more than texts, and how a test sees that they are not: a page has
//! the same elements and attributes whatever the texts in it are.

use deltrail_core::decode::is_obeyed;
use proptest::prelude::*;
use proptest::sample::select;

/// Texts that somebody may have put into a key, a name or a user agent; never empty.
pub(super) fn hostile_text() -> impl Strategy<Value = String> {
    let known = select(vec![
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "</a></td></table><h1>owned</h1>",
        "<!--",
        "]]>",
        "javascript:alert(1)",
        "//evil.example/",
        "\\u003cb\\u003e&lt;b&gt;",
        "\u{202e}gpj.exe\u{2066}\u{200b}\u{feff}\0\r\n\u{85}",
        "a/../../?q=1&since=x#top%00%2F",
        "deltrail deletions; rm -rf /",
    ]);
    let known = known.prop_map(str::to_owned);
    prop_oneof![known, any::<char>().prop_map(String::from), "\\PC{1,20}", "[<>&\"'/ ]{1,9}"]
}

/// Panics when a text of others became markup, leads elsewhere, or would be obeyed: when the page
/// with it has another shape than the one with harmless texts.
pub(super) fn expect_same_shape(harmless: &str, hostile: &str) {
    assert_eq!(shape(hostile), shape(harmless), "{hostile}");
    assert!(!hostile.contains(is_obeyed), "{hostile}");
    for (before, _) in hostile.match_indices("href=\"") {
        let url = &hostile[before + "href=\"".len()..];
        let is_own = (url.starts_with('/') && !url.starts_with("//")) || url.starts_with('#');
        assert!(is_own, "a link leads to {}", &url[..url.find('"').unwrap_or(url.len())]);
    }
}

/// The tags in order, without the values of their attributes; without what marks a text itself.
fn shape(page: &str) -> Vec<String> {
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some(open) = rest.find('<') {
        let end = rest[open..].find('>').map_or(rest.len(), |end| open + end + 1);
        let tag = &rest[open..end];
        rest = &rest[end..];
        if tag == "<span class=\"control\">" {
            let close = rest.find("</span>").unwrap() + "</span>".len();
            rest = &rest[close..];
        } else if tag != "<wbr>" {
            tags.push(tag.split('"').step_by(2).collect::<String>());
        }
    }
    tags
}

#[test]
fn a_text_that_became_markup_is_seen() {
    let harmless = "<a href=\"/x\">text</a>";
    expect_same_shape(harmless, "<a href=\"/y?z\">o<span class=\"control\">\\r</span><wbr>x</a>");
    for hostile in [
        "<a href=\"/x\"><b>text</a>",
        "<a href=\"/x\" onclick=\"y\">text</a>",
        "<a href=\"javascript:x\">text</a>",
        "<a href=\"//evil.example\">text</a>",
        "<a href=\"/x\">te\u{202e}xt</a>",
    ] {
        let seen = std::panic::catch_unwind(|| expect_same_shape(harmless, hostile));
        assert!(seen.is_err(), "{hostile}");
    }
}
