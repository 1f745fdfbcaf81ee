//! The conditions of a statement that matter when a service acts for a resource of its own:
//! `aws:SourceArn`, `aws:SourceAccount` and a few that every service fulfils. Any other is not
//! understood, and said to be so.

use serde_json::{Map, Value};

use super::document::{fits_glob, strings};
use super::{Deed, Fit};

/// One key of a condition: an operator, a key, and values of which one has to fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    operator: String,
    key: String,
    values: Vec<String>,
}

/// What is known of a key's value.
enum Known<'a> {
    Value(&'a str),
    /// The request has no such key.
    Absent,
    Unsure,
}

/// All conditions of a statement: each has to hold.
pub(super) fn all(conditions: &Map<String, Value>) -> Vec<Condition> {
    let mut all = Vec::new();
    for (operator, keys) in conditions {
        let Value::Object(keys) = keys else { continue };
        all.extend(keys.iter().map(|(key, values)| Condition {
            operator: operator.clone(),
            key: key.clone(),
            values: strings(values),
        }));
    }
    all
}

impl Condition {
    /// Whether the deed fulfils it.
    pub fn fits(&self, deed: &Deed<'_>) -> Fit {
        let not_understood = || Fit::Unknown(format!("{} on {}", self.operator, self.key));
        let bare = self.operator.strip_suffix("IfExists");
        let operator = bare.unwrap_or(&self.operator);
        if operator == "Null" {
            return match (self.known(deed), self.values.first().map(String::as_str)) {
                (Known::Value(_), Some(wanted)) => Fit::of(wanted == "false"),
                (Known::Absent, Some(wanted)) => Fit::of(wanted == "true"),
                _ => not_understood(),
            };
        }
        let (operator, is_negated) = match operator {
            "StringNotEquals" => ("StringEquals", true),
            "StringNotEqualsIgnoreCase" => ("StringEqualsIgnoreCase", true),
            "StringNotLike" => ("StringLike", true),
            "ArnNotEquals" | "ArnNotLike" => ("ArnLike", true),
            "ArnEquals" => ("ArnLike", false),
            operator => (operator, false),
        };
        let fits_value: fn(&str, &str) -> bool = match operator {
            "StringEquals" => |wanted, value| wanted == value,
            "StringEqualsIgnoreCase" | "Bool" => |wanted, value| wanted.eq_ignore_ascii_case(value),
            "StringLike" => fits_glob,
            "ArnLike" => fits_arn,
            _ => return not_understood(),
        };
        let value = match self.known(deed) {
            Known::Value(value) => value,
            // A key that is not there fulfils what only asks if it is, and what is negated.
            Known::Absent => return Fit::of(bare.is_some() || is_negated),
            Known::Unsure => return not_understood(),
        };
        let has_variables = self.values.iter().any(|wanted| wanted.contains("${"));
        if has_variables {
            return not_understood();
        }
        let fit = Fit::of(self.values.iter().any(|wanted| fits_value(wanted, value)));
        if is_negated { fit.not() } else { fit }
    }

    fn known<'a>(&self, deed: &Deed<'a>) -> Known<'a> {
        let or_not_known = |value: Option<&'a str>| value.map_or(Known::Unsure, Known::Value);
        match self.key.to_ascii_lowercase().as_str() {
            "aws:sourcearn" => or_not_known(deed.source_arn),
            "aws:sourceaccount" => or_not_known(deed.source_account),
            // Services of AWS speak TLS only, and are what the next one asks for.
            "aws:securetransport" | "aws:principalisawsservice" => Known::Value("true"),
            // Who acts is a service, not somebody with an account or an organisation.
            "aws:principalaccount" | "aws:principalarn" | "aws:principalorgid" => Known::Absent,
            _ => Known::Unsure,
        }
    }
}

/// As `ArnLike` and `ArnEquals` compare: each of the six parts by itself, so that no star reaches
/// over a colon.
fn fits_arn(pattern: &str, arn: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let (pattern, arn) = (pattern.splitn(6, ':'), arn.splitn(6, ':'));
    let pairs: Vec<_> = pattern.clone().zip(arn.clone()).collect();
    pattern.count() == 6
        && arn.count() == 6
        && pairs.into_iter().all(|(wanted, part)| fits_glob(wanted, part))
}
