//! The token of the app listener, from the setting itself or out of the file that a setting names.
//! What a good token is, the configuration knows.

use std::path::Path;

use super::secret_file::held_by;
use crate::config::{APP_TOKEN_FILE, AppToken, Config};
use crate::http::Token;

/// What requests to the API have to bear, if anything.
///
/// # Errors
/// When the file with the token is of no use.
pub(super) fn of(config: &Config) -> anyhow::Result<Option<Token>> {
    Ok(app_token(config)?.map(|token| Token::new(token.reveal())))
}

/// The same, to be borne.
///
/// # Errors
/// When the file with the token is of no use.
pub fn app_token(config: &Config) -> anyhow::Result<Option<AppToken>> {
    match (&config.app_token, &config.app_token_file) {
        (Some(token), _) => Ok(Some(token.clone())),
        (None, Some(file)) => in_file(file).map(Some),
        (None, None) => Ok(None),
    }
}

fn in_file(file: &Path) -> anyhow::Result<AppToken> {
    held_by(file, ("token", APP_TOKEN_FILE.name), AppToken::parse)
}

#[cfg(test)]
mod tests {
    use super::in_file;

    fn token_of(content: &[u8]) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, content).unwrap();
        let token = in_file(&file).map_err(|error| error.to_string());
        token
            .map(|token| token.reveal().to_owned())
            .map_err(|told| told.replace(&folder.path().display().to_string(), "[folder]"))
    }

    #[test]
    fn the_file_may_end_its_line() {
        for content in
            ["correct-horse-battery", "correct-horse-battery\n", "correct-horse-battery\r\n"]
        {
            assert_eq!(token_of(content.as_bytes()).as_deref(), Ok("correct-horse-battery"));
        }
    }

    #[test]
    fn what_is_no_token_is_told_and_not_repeated() {
        insta::assert_snapshot!(token_of(b"\n").unwrap_err(), @r#"
        the token file [folder]/token (app-token-file) holds no token: what is in it has 0 characters: write 16 to 1024 that nobody can guess, for example what openssl rand -hex 16 prints
        "#);
        for content in [
            &b"hunter2\n"[..],
            b"correct-horse-hunter2\n\n",
            b"correct-horse-hunter2\nand more",
            b" correct-horse-hunter2",
            b"\xff\xfecorrect-horse-hunter2",
            &b"hunter2".repeat(1_000),
        ] {
            let told = token_of(content).unwrap_err();
            assert!(told.contains("holds no token") && !told.contains("hunter"), "{told}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().join("token"), folder.path().to_owned()] {
            let error = in_file(&path).unwrap_err();
            let told = error.to_string();
            assert!(
                told.contains(&format!("{} (app-token-file) cannot", path.display())),
                "{told}"
            );
        }
    }
}
