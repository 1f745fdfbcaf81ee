//! Whom a question is about, by any spelling that people use. It knows no identity but its text.

use std::fmt;

use deltrail_core::domain::Actor;

/// A principal as a user writes it: the name of a role or user, an ARN with or without a session,
/// a principal id, an access key id, or a service; `*` stands for any characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrincipalPattern {
    /// What stands between the stars: one text when there is none.
    pieces: Vec<String>,
}

impl PrincipalPattern {
    /// The pattern that this text writes.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { pieces: text.split('*').map(str::to_owned).collect() }
    }

    /// Whether the actor is known by a spelling that fits.
    #[must_use]
    pub fn matches(&self, actor: &Actor) -> bool {
        actor.spellings().into_iter().any(|spelling| self.fits(spelling))
    }

    /// A text that stands in every actor that fits, and that JSON writes as it is.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        let is_plain =
            |piece: &&String| !piece.chars().any(|c| c.is_control() || matches!(c, '"' | '\\'));
        let longest = self.pieces.iter().filter(is_plain).max_by_key(|piece| piece.len())?;
        (!longest.is_empty()).then_some(longest)
    }

    fn fits(&self, text: &str) -> bool {
        let [first, between @ .., last] = self.pieces.as_slice() else {
            return self.pieces.first().is_some_and(|only| only == text);
        };
        let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
        for piece in between {
            match rest.split_once(piece.as_str()) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
        rest.ends_with(last.as_str())
    }
}

impl fmt::Display for PrincipalPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pieces.join("*"))
    }
}

#[cfg(test)]
mod tests {
    use deltrail_core::domain::Actor;

    use super::PrincipalPattern;

    fn matches(pattern: &str, name: &str) -> bool {
        let actor = Actor { user_name: Some(name.to_owned()), ..Actor::default() };
        PrincipalPattern::new(pattern).matches(&actor)
    }

    #[test]
    fn a_star_stands_for_any_characters_and_nothing_else_does() {
        for pattern in ["image-cleaner", "image*", "*cleaner", "*", "im*-*er", "image-cleaner*"] {
            assert!(matches(pattern, "image-cleaner"), "{pattern}");
        }
        for pattern in ["image", "Image-cleaner", "image-cleane?", "", "*x*", "image*image-cleaner"]
        {
            assert!(!matches(pattern, "image-cleaner"), "{pattern}");
        }
        assert!(!matches("ab*ba", "aba"), "one character is not both");
    }

    #[test]
    fn a_text_that_json_would_write_otherwise_is_not_searched_for() {
        assert_eq!(PrincipalPattern::new("r/*/i-0a").literal(), Some("/i-0a"));
        assert_eq!(PrincipalPattern::new("a\"bc*d").literal(), Some("d"));
        assert_eq!(PrincipalPattern::new("*").literal(), None);
    }
}
