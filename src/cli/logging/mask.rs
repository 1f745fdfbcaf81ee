//! Passwords in URLs, hidden wherever they stand in a log line: libraries write the addresses that
//! they were given, whole. It knows no library.

use std::borrow::Cow;

/// What ends the part of a URL that may name a user.
const ENDS: [char; 9] = ['/', '?', '#', '"', '\'', '<', '>', '\\', ' '];

/// The line with `***` for every password between `://` and `@`.
pub(super) fn masked(line: &str) -> Cow<'_, str> {
    if !line.contains("://") || !line.contains('@') {
        return Cow::Borrowed(line);
    }
    let mut pieces = line.split("://");
    let mut masked = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        masked.push_str("://");
        let authority = piece.find(ENDS).map_or(piece, |end| &piece[..end]);
        let password = authority.split_once(':').zip(authority.rfind('@'));
        match password {
            Some(((user, _), at)) if user.len() < at => {
                masked.push_str(user);
                masked.push_str(":***");
                masked.push_str(&piece[at..]);
            }
            _ => masked.push_str(piece),
        }
    }
    Cow::Owned(masked)
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn passwords_in_urls_are_hidden_and_nothing_else_is() {
        for (line, expected) in [
            ("url: http://user:hunter2@host:80/a", "url: http://user:***@host:80/a"),
            ("\"postgres://u:p@ss@db/x\"", "\"postgres://u:***@db/x\""),
            ("https://:hunter2@host", "https://:***@host"),
            ("a://u:p@b, then c://d:e@f", "a://u:***@b, then c://d:***@f"),
            ("http://host:80/a@b and a:b@c", "http://host:80/a@b and a:b@c"),
            ("http://token@host", "http://token@host"),
            ("http://host:80, write to a@b", "http://host:80, write to a@b"),
            ("s3://bucket/key:with@signs", "s3://bucket/key:with@signs"),
            ("no URL: user:hunter2@host", "no URL: user:hunter2@host"),
            ("http://ü:ß@é", "http://ü:***@é"),
        ] {
            assert_eq!(masked(line), expected);
        }
    }
}
