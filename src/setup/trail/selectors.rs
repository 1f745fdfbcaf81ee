//! Which events a trail logs, out of its event selectors, basic or advanced. It asks AWS nothing.
//!
//! Rules: `CloudTrail` user guide, "Filtering data events by using advanced event selectors", and
//! the API reference of `AdvancedFieldSelector`: values of a field that are wanted are joined by
//! OR, those that are not by AND; fields of a selector by AND; selectors by OR.

/// How much of some events is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Coverage {
    /// None of them.
    None,
    /// Some, or it depends on who acts and on which key.
    Part,
    /// All.
    Full,
}

impl Coverage {
    const fn of(fits: bool) -> Self {
        if fits { Self::Full } else { Self::None }
    }

    const fn inverted(self) -> Self {
        match self {
            Self::None => Self::Full,
            Self::Part => Self::Part,
            Self::Full => Self::None,
        }
    }
}

/// What a trail selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selectors {
    /// Basic event selectors.
    Basic(Vec<Basic>),
    /// Advanced ones, each with its fields.
    Advanced(Vec<Vec<Field>>),
}

/// A basic event selector.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Basic {
    /// Whether events that change something are logged.
    pub writes: bool,
    /// Whether events of management are.
    pub management: bool,
    /// Beginnings of the ARNs of objects of S3 whose events are.
    pub objects: Vec<String>,
}

/// A field of an advanced event selector.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Field {
    /// Its name, such as `eventName`.
    pub name: String,
    /// What is wanted, of which one is enough.
    pub wanted: Vec<Pattern>,
    /// What is not, none of which may be.
    pub unwanted: Vec<Pattern>,
}

/// A text, or one end of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// All of it.
    Equals(String),
    /// How it begins.
    StartsWith(String),
    /// How it ends.
    EndsWith(String),
}

/// Events of one kind, about all keys of a bucket, by anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Events<'a> {
    /// Calls about objects of a bucket, which is named by its ARN.
    Object {
        /// `DeleteObject`, `DeleteObjects`, `PutObject` ...
        name: &'a str,
        /// `AwsApiCall`, or `AwsServiceEvent` for the keys of a bulk delete.
        kind: &'a str,
        /// The ARN of the bucket.
        bucket_arn: &'a str,
    },
    /// Calls that change how buckets are set up.
    Management {
        /// The name of the call.
        name: &'a str,
    },
}

/// How much of these events is logged.
#[must_use]
pub fn coverage(selectors: &Selectors, events: Events<'_>) -> Coverage {
    let all = match selectors {
        Selectors::Basic(all) => all.iter().map(|one| of_basic(one, events)).max(),
        Selectors::Advanced(all) => all.iter().map(|fields| of_advanced(fields, events)).max(),
    };
    all.unwrap_or(Coverage::None)
}

fn of_basic(selector: &Basic, events: Events<'_>) -> Coverage {
    if !selector.writes {
        return Coverage::None;
    }
    match events {
        Events::Management { .. } => Coverage::of(selector.management),
        Events::Object { bucket_arn, .. } => {
            let keys = format!("{bucket_arn}/");
            let of_one = |start: &String| begins(&keys, start);
            selector.objects.iter().map(of_one).max().unwrap_or(Coverage::None)
        }
    }
}

fn of_advanced(fields: &[Field], events: Events<'_>) -> Coverage {
    let has = |name: &str| fields.iter().any(|field| field.name == name);
    // Both are required for events about objects; without a category nothing is selected.
    if !has("eventCategory") {
        return Coverage::None;
    }
    fields.iter().map(|field| of_field(field, events)).min().unwrap_or(Coverage::None)
}

fn of_field(field: &Field, events: Events<'_>) -> Coverage {
    let fits = |pattern: &Pattern| match (field.name.as_str(), events) {
        ("eventCategory", Events::Object { .. }) => fits(pattern, "Data"),
        ("eventCategory", Events::Management { .. }) => fits(pattern, "Management"),
        ("readOnly", _) => fits(pattern, "false"),
        ("eventSource", _) => fits(pattern, "s3.amazonaws.com"),
        ("eventName", Events::Object { name, .. } | Events::Management { name }) => {
            fits(pattern, name)
        }
        ("eventType", Events::Object { kind, .. }) => fits(pattern, kind),
        ("eventType", Events::Management { .. }) => fits(pattern, "AwsApiCall"),
        ("resources.type", Events::Object { .. }) => fits(pattern, "AWS::S3::Object"),
        ("resources.ARN", Events::Object { bucket_arn, .. }) => {
            let keys = format!("{bucket_arn}/");
            match pattern {
                Pattern::StartsWith(start) => begins(&keys, start),
                Pattern::Equals(arn) if !arn.starts_with(&keys) => Coverage::None,
                Pattern::Equals(_) | Pattern::EndsWith(_) => Coverage::Part,
            }
        }
        // It depends on who acts, and from where.
        _ => Coverage::Part,
    };
    let wanted = field.wanted.iter().map(fits).max();
    let unwanted = field.unwanted.iter().map(|pattern| fits(pattern).inverted()).min();
    wanted.into_iter().chain(unwanted).min().unwrap_or(Coverage::Full)
}

fn fits(pattern: &Pattern, value: &str) -> Coverage {
    Coverage::of(match pattern {
        Pattern::Equals(text) => value == text,
        Pattern::StartsWith(text) => value.starts_with(text.as_str()),
        Pattern::EndsWith(text) => value.ends_with(text.as_str()),
    })
}

/// How many of the texts that begin with `all` begin with `start`.
fn begins(all: &str, start: &str) -> Coverage {
    if all.starts_with(start) {
        Coverage::Full
    } else if start.starts_with(all) {
        Coverage::Part
    } else {
        Coverage::None
    }
}

#[cfg(test)]
mod tests;
