//! A policy as its author wrote it: statements, each with one text or many in most places. It does
//! not know what is asked of it.

use serde_json::{Map, Value};

use super::condition::{self, Condition};
use super::{Deed, Fit};

/// What a statement does when it fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Allow,
    Deny,
}

/// The statements of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Policy {
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    /// How people find it: its Sid, else its place.
    pub name: String,
    pub effect: Effect,
    principals: Principals,
    actions: Texts,
    /// None where the policy is the resource's own and names no resource.
    resources: Option<Texts>,
    pub conditions: Vec<Condition>,
}

/// Texts that are meant, or all but these.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Texts {
    These(Vec<String>),
    AllBut(Vec<String>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Principals {
    Everybody,
    /// Services and others, apart.
    Named {
        services: Vec<String>,
    },
    AllBut,
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// What is wrong with it, to be read after "the policy".
    pub fn parse(text: &str) -> Result<Self, String> {
        let document: Value =
            serde_json::from_str(text).map_err(|error| format!("is not JSON ({error})"))?;
        let statements = match &document["Statement"] {
            Value::Array(statements) => statements.iter().collect(),
            statement @ Value::Object(_) => vec![statement],
            _ => return Err("has no statements".to_owned()),
        };
        let numbered = statements.into_iter().enumerate();
        let statements = numbered.map(|(at, statement)| Statement::of(at + 1, statement));
        Ok(Self { statements: statements.collect::<Result<_, _>>()? })
    }
}

impl Statement {
    fn of(number: usize, value: &Value) -> Result<Self, String> {
        let members =
            value.as_object().ok_or_else(|| format!("has a statement {number} of no shape"))?;
        let name = match value["Sid"].as_str().filter(|sid| !sid.is_empty()) {
            Some(sid) => format!("statement {sid:?}"),
            None => format!("statement {number}"),
        };
        let effect = match value["Effect"].as_str() {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            _ => return Err(format!("neither allows nor denies in {name}")),
        };
        let actions = texts(members, "Action").ok_or_else(|| format!("has no action in {name}"))?;
        let conditions = match members.get("Condition") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Object(conditions)) => condition::all(conditions),
            Some(_) => return Err(format!("has a condition of no shape in {name}")),
        };
        Ok(Self {
            effect,
            principals: Principals::of(members),
            actions,
            resources: texts(members, "Resource"),
            conditions,
            name,
        })
    }

    /// Whether the statement is about the deed.
    pub fn fits(&self, deed: &Deed<'_>) -> Fit {
        let conditions = self.conditions.iter().map(|condition| condition.fits(deed));
        let fits = self.is_about(deed.action, deed.resource).and(self.principals.fit(deed));
        conditions.fold(fits, Fit::and)
    }

    /// Whether the statement is about this action on this resource, whoever acts.
    pub fn is_about(&self, action: &str, resource: &str) -> Fit {
        let action = Fit::of(
            self.actions
                .hold(|text| fits_glob(&text.to_ascii_lowercase(), &action.to_ascii_lowercase())),
        );
        let resource = match &self.resources {
            Some(resources) => Fit::of(resources.hold(|text| fits_glob(text, resource))),
            None => Fit::Yes,
        };
        action.and(resource)
    }

    /// Whether anybody at all is meant.
    pub fn is_for_everybody(&self) -> bool {
        matches!(self.principals, Principals::Everybody | Principals::AllBut)
    }

    /// Whether a service of AWS is meant.
    pub fn is_for_a_service(&self) -> bool {
        matches!(&self.principals, Principals::Named { services } if !services.is_empty())
    }
}

impl Texts {
    fn hold(&self, fits: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::These(texts) => texts.iter().any(|text| fits(text)),
            Self::AllBut(texts) => !texts.iter().any(|text| fits(text)),
        }
    }
}

impl Principals {
    fn of(members: &Map<String, Value>) -> Self {
        if members.contains_key("NotPrincipal") {
            return Self::AllBut;
        }
        let is_everybody = |value: &Value| strings(value).iter().any(|text| text == "*");
        match members.get("Principal") {
            Some(Value::Object(kinds)) => {
                if kinds.get("AWS").is_some_and(is_everybody) {
                    return Self::Everybody;
                }
                Self::Named { services: kinds.get("Service").map(strings).unwrap_or_default() }
            }
            Some(value) if is_everybody(value) => Self::Everybody,
            _ => Self::Named { services: Vec::new() },
        }
    }

    fn fit(&self, deed: &Deed<'_>) -> Fit {
        match self {
            Self::Everybody => Fit::Yes,
            Self::Named { services } => {
                Fit::of(services.iter().any(|service| service == "*" || service == deed.service))
            }
            Self::AllBut => Fit::Unknown("NotPrincipal, which is not understood here".to_owned()),
        }
    }
}

/// `NAME`, else `NotNAME`; none when there is neither.
fn texts(members: &Map<String, Value>, name: &str) -> Option<Texts> {
    let these = members.get(name).map(|value| Texts::These(strings(value)));
    these.or_else(|| members.get(&format!("Not{name}")).map(|value| Texts::AllBut(strings(value))))
}

/// One text or many. Numbers and switches are texts in conditions.
pub(super) fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(values) => values.iter().flat_map(strings).collect(),
        Value::Number(number) => vec![number.to_string()],
        Value::Bool(switch) => vec![switch.to_string()],
        Value::Null | Value::Object(_) => Vec::new(),
    }
}

/// Whether a text fits a pattern in which `*` stands for any characters and `?` for one. Time grows
/// with the product of both lengths at most.
pub(super) fn fits_glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    // What the pattern so far can have taken of the text.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for &c in &pattern {
        if c == '*' {
            for at in 1..=text.len() {
                reached[at] |= reached[at - 1];
            }
        } else {
            for at in (1..=text.len()).rev() {
                reached[at] = reached[at - 1] && (c == '?' || c == text[at - 1]);
            }
            reached[0] = false;
        }
    }
    reached[text.len()]
}
