//! Text of others made fit for one line of a log. It knows neither AWS nor what is logged.

use std::error::Error;

/// Longest text that an error repeats from somebody else.
const DETAIL_CHARS_MAX: usize = 400;

/// The causes of an error from the outside in, without repetitions.
pub(crate) fn source_chain(error: &dyn Error) -> String {
    let mut links: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let link = cause.to_string();
        if links.last().is_none_or(|last| !last.contains(&link)) {
            links.push(link);
        }
        next = cause.source();
    }
    if links.is_empty() {
        links.push(error.to_string());
    }
    one_line(&links.join(": "))
}

/// Whether a cause is that there are no credentials. The SDK gives no type for that; each of its
/// messages about them has one of these words.
pub(crate) fn is_about_credentials(cause: &str) -> bool {
    let cause = cause.to_ascii_lowercase();
    cause.contains("credential") || cause.contains("identity resolver timed out")
}

/// Why there are no credentials. The SDK lists every place where it looked when none of them had
/// any, which is long and tells nobody what to do; what went wrong in one place is worth telling.
pub(crate) fn credentials_cause(error: &dyn Error) -> String {
    let cause = source_chain(error);
    let is_list_of_places = cause.contains("no credentials found in chain")
        || cause.contains("no providers in chain provided credentials");
    if is_list_of_places {
        return "environment, profile, web identity, container and instance had none".to_owned();
    }
    cause
}

/// Text of others on one line of a log: control characters escaped, length bounded.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(DETAIL_CHARS_MAX));
    for (count, character) in text.chars().enumerate() {
        if count == DETAIL_CHARS_MAX {
            line.push_str("...");
            break;
        }
        if character.is_control() || matches!(character, '\u{2028}' | '\u{2029}') {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}
