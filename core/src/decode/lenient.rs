//! Reading values out of JSON that may be spelled in several ways: a text wrapped in a list of one,
//! a number written as text or as a float, a boolean written as text. It knows no field names.

use serde_json::{Number, Value};

/// A JSON value, read as a whole or in part.
pub(super) trait Spelled {
    /// The text that it holds: a string, or a list of just one string, as old records have it.
    fn text(&self) -> Option<&str>;

    /// The number that it is.
    fn number(&self) -> Option<&Number>;
}

impl Spelled for Value {
    fn text(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            Self::Array(list) => match list.as_slice() {
                [Self::String(text)] => Some(text),
                _ => None,
            },
            _ => None,
        }
    }

    fn number(&self) -> Option<&Number> {
        self.as_number()
    }
}

/// [`Spelled::text`].
pub(super) fn text(value: &impl Spelled) -> Option<&str> {
    value.text()
}

/// [`text`], where an empty one counts as missing.
pub(super) fn filled_text(value: &impl Spelled) -> Option<&str> {
    text(value).filter(|text| !text.is_empty())
}

/// Bytes that are kept of a text that is only shown or compared. AWS itself cuts user agents at
/// 1 KB.
pub(super) const TEXT_BYTES_MAX: usize = 2_048;

/// [`filled_text`], cut to a bounded length.
pub(super) fn shown(value: &impl Spelled) -> Option<String> {
    filled_text(value).map(capped)
}

/// [`beginning`], owned.
pub(super) fn capped(text: &str) -> String {
    beginning(text).to_owned()
}

/// The beginning of a text, as much of it as is kept.
#[inline]
pub(super) fn beginning(text: &str) -> &str {
    if text.len() <= TEXT_BYTES_MAX {
        return text;
    }
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}

/// S3 wraps the user agent in one pair of square brackets.
pub(super) fn without_brackets(agent: &str) -> &str {
    agent.strip_prefix('[').and_then(|agent| agent.strip_suffix(']')).unwrap_or(agent)
}

/// A text, or a number as it is written: for identifiers that look like numbers.
pub(super) fn identifier(value: &impl Spelled) -> Option<String> {
    match value.number() {
        Some(number) => Some(number.to_string()),
        None => filled_text(value).map(str::to_owned),
    }
}

/// `true`, or the text `"true"`.
pub(super) fn is_true(value: &Value) -> bool {
    value.as_bool() == Some(true)
        || text(value).is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

/// A whole number that is not negative, written as integer, float or text; fractions are dropped.
pub(super) fn whole_number(value: &impl Spelled) -> Option<u64> {
    if let Some(number) = value.number() {
        return number.as_u64().or_else(|| whole_float(number.as_f64()?));
    }
    let text = text(value)?.trim();
    text.parse().ok().or_else(|| whole_float(text.parse().ok()?))
}

/// Floats above 2^53 do not hold whole numbers exactly; nothing that is read here is that large.
fn whole_float(number: f64) -> Option<u64> {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range was checked; dropping the fraction is meant"
    )]
    (0.0..=EXACT_MAX).contains(&number).then_some(number as u64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{identifier, is_true, text, whole_number};

    #[test]
    fn a_list_of_one_text_is_that_text() {
        assert_eq!(text(&json!(["a"])), Some("a"));
        assert_eq!(text(&json!(["a", "b"])), None);
        assert_eq!(text(&json!({ "a": 1 })), None);
    }

    #[test]
    fn numbers_are_read_in_every_spelling() {
        for spelling in
            [json!(1376), json!(1376.0), json!("1376"), json!("1376.0"), json!(["1376"])]
        {
            assert_eq!(whole_number(&spelling), Some(1376), "{spelling}");
        }
        for other in [json!(-1), json!("-1"), json!("x"), json!(null), json!(1e300), json!("NaN")] {
            assert_eq!(whole_number(&other), None, "{other}");
        }
    }

    #[test]
    fn booleans_and_identifiers_may_be_spelled_otherwise() {
        assert!(is_true(&json!("true")) && is_true(&json!(true)) && !is_true(&json!("false")));
        assert_eq!(identifier(&json!(111_122_223_333_u64)).as_deref(), Some("111122223333"));
        assert_eq!(identifier(&json!("")), None);
    }
}
