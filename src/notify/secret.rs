//! What only this program and a receiver know. It knows neither where it was given nor what it
//! signs.

use std::fmt;

/// Fewer characters could be guessed by trying.
const CHARACTERS_MIN: usize = 16;
const CHARACTERS_MAX: usize = 1024;

/// A key that signs messages: 16 to 1024 characters of visible ASCII. It is shown to nobody who
/// does not ask for it by [`Secret::reveal`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a text as a secret.
    ///
    /// # Errors
    /// What is wrong with the text and what to write instead; the text is not repeated.
    pub fn parse(text: &str) -> Result<Self, String> {
        let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_visible || !(CHARACTERS_MIN..=CHARACTERS_MAX).contains(&text.len()) {
            return Err(format!(
                "is no secret to sign with: write {CHARACTERS_MIN} to {CHARACTERS_MAX} letters and \
                 digits that nobody can guess, for example what openssl rand -hex 32 prints"
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The secret itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn a_secret_is_long_visible_and_not_shown() {
        let secret = Secret::parse("correct-horse-battery").unwrap();
        assert_eq!(secret.reveal(), "correct-horse-battery");
        assert_eq!(format!("{:?}", Some(secret)), "Some(***)");
        for text in ["", "hunter2", "correct horse battery", "correct-horse-batteryé\n"] {
            let told = Secret::parse(text).unwrap_err();
            assert!(text.is_empty() || !told.contains(text), "{told}");
        }
    }
}
