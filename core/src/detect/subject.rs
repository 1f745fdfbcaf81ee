//! Whom a deletion belongs to: callers that are one principal, under an id that does not change
//! when a fuller description of a caller comes later. It knows neither counts nor buckets.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::domain::{Actor, Detector, Finding};

/// How many sessions of a role are told.
const SESSIONS_MAX: usize = 3;

/// A principal, by what all descriptions of its callers say together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subject {
    /// The unique id (`AROA...`, `AIDA...`), else the ARN without a session, else the service.
    pub(super) id: String,
    /// What people call it.
    pub(super) name: String,
}

/// The principals behind the callers.
#[derive(Debug, Default)]
pub(super) struct Subjects {
    all: Vec<Subject>,
    of_caller: HashMap<i64, usize>,
}

impl Subjects {
    /// Finds them. Callers that no more than an account is known of belong to none.
    pub(super) fn of(callers: &BTreeMap<i64, Arc<Actor>>) -> Self {
        let ids = unique_ids_by_arn(callers);
        let mut found: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for (number, actor) in callers {
            let by_arn = || actor.enduring_arn().and_then(|arn| ids.get(arn).copied());
            let id = unique_id(actor).or_else(by_arn).or_else(|| lasting_name(actor));
            if let Some(id) = id {
                found.entry(id.to_owned()).or_default().push(*number);
            }
        }
        let mut subjects = Self::default();
        for (id, numbers) in found {
            let actors = numbers.iter().filter_map(|number| callers.get(number));
            let name = actors.filter_map(|actor| ranked_name(actor)).min();
            let name = name.map_or_else(|| id.clone(), |(_, name)| name.to_owned());
            let index = subjects.all.len();
            subjects.of_caller.extend(numbers.iter().map(|number| (*number, index)));
            subjects.all.push(Subject { id, name });
        }
        subjects
    }

    /// Every principal, by its index.
    pub(super) fn all(&self) -> &[Subject] {
        &self.all
    }

    /// The index of the principal that the caller is, if it is one.
    pub(super) fn of_caller(&self, caller: i64) -> Option<usize> {
        self.of_caller.get(&caller).copied()
    }
}

/// The id of the principal that this description alone tells of, if it does.
pub(super) fn identity(actor: &Actor) -> Option<&str> {
    unique_id(actor).or_else(|| lasting_name(actor))
}

/// Whether a finding is about what this caller does: about the bucket as a whole, or about the
/// principal that the caller is, as far as its own description tells.
#[must_use]
pub fn is_about(finding: &Finding, caller: &Actor) -> bool {
    let of_bucket = finding.subject.is_empty() || finding.detector == Detector::BlindSpot;
    let name = caller.principal().map(|it| it.name);
    of_bucket
        || identity(caller) == Some(finding.subject.as_str())
        || finding.who.iter().any(|who| Some(who.principal.as_str()) == name)
}

/// The names that this description alone has for its principal: callers that share one are one.
pub fn principal_names(actor: &Actor) -> impl Iterator<Item = &str> {
    [unique_id(actor), lasting_name(actor)].into_iter().flatten()
}

/// The sessions of these callers, sorted, as many as are told.
pub(super) fn sessions<'a>(actors: impl Iterator<Item = &'a Arc<Actor>>) -> Vec<String> {
    let sessions: BTreeSet<&str> =
        actors.filter_map(|actor| actor.principal().and_then(|it| it.session)).collect();
    sessions.into_iter().take(SESSIONS_MAX).map(str::to_owned).collect()
}

/// The unique id behind each ARN; the smallest where a name was given again to somebody new.
fn unique_ids_by_arn(callers: &BTreeMap<i64, Arc<Actor>>) -> HashMap<&str, &str> {
    let mut ids: HashMap<&str, &str> = HashMap::new();
    for actor in callers.values() {
        if let (Some(arn), Some(id)) = (actor.enduring_arn(), unique_id(actor)) {
            ids.entry(arn).and_modify(|known| *known = id.min(known)).or_insert(id);
        }
    }
    ids
}

/// The id that IAM gives a user or role, without the session that comes after it.
fn unique_id(actor: &Actor) -> Option<&str> {
    let id = actor.bare_id()?;
    let is_unique = id.len() >= 16
        && id.starts_with('A')
        && id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    is_unique.then_some(id)
}

/// What else tells one caller from another for good. An account alone does not.
fn lasting_name(actor: &Actor) -> Option<&str> {
    const ANONYMOUS: &str = "anonymous";
    let is_anonymous = |text: &Option<String>| {
        text.as_deref().is_some_and(|text| text.eq_ignore_ascii_case(ANONYMOUS))
    };
    if is_anonymous(&actor.account_id) || is_anonymous(&actor.principal_id) {
        return Some(ANONYMOUS);
    }
    actor
        .enduring_arn()
        .or(actor.session_issuer_arn.as_deref())
        .or(actor.invoked_by.as_deref())
        .or_else(|| actor.bare_id().filter(|id| !is_account(id)))
}

/// An account's number, or the canonical id of one: 64 hexadecimal digits.
fn is_account(id: &str) -> bool {
    let is_canonical = id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_canonical || id.bytes().all(|byte| byte.is_ascii_digit())
}

/// The name, after how good it is: one out of an ARN before a mere id.
fn ranked_name(actor: &Actor) -> Option<(u8, &str)> {
    let name = actor.principal()?.name;
    let is_named = actor.arn.is_some() || actor.session_issuer_arn.is_some();
    let rank = if is_named { 0 } else { u8::from(actor.user_name.is_none()) + 1 };
    Some((rank, name))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::{Subject, Subjects, sessions};
    use crate::domain::Actor;

    const ROLE: &str = "AROAEXAMPLEEXAMPLEXX";
    const SESSION_ARN: &str = "arn:aws:sts::111122223333:assumed-role/cleaner/i-0a";

    fn actor(arn: Option<&str>, principal_id: Option<&str>) -> Arc<Actor> {
        let text = |text: Option<&str>| text.map(str::to_owned);
        Actor { arn: text(arn), principal_id: text(principal_id), ..Actor::default() }.into()
    }

    fn subjects(actors: &[Arc<Actor>]) -> (Vec<Subject>, Vec<Option<usize>>) {
        let callers: BTreeMap<i64, Arc<Actor>> = (0..).zip(actors.iter().cloned()).collect();
        let subjects = Subjects::of(&callers);
        let of_callers = callers.keys().map(|number| subjects.of_caller(*number)).collect();
        (subjects.all().to_vec(), of_callers)
    }

    #[test]
    fn a_principal_keeps_its_id_when_its_name_comes_later() {
        let noticed = actor(None, Some("AWS:AROAEXAMPLEEXAMPLEXX:i-0a"));
        let logged = actor(Some(SESSION_ARN), Some("AROAEXAMPLEEXAMPLEXX:i-0a"));
        let (first, _) = subjects(std::slice::from_ref(&noticed));
        let (then, of_callers) = subjects(&[logged, noticed]);
        assert_eq!(first, [Subject { id: ROLE.into(), name: ROLE.into() }]);
        assert_eq!(then, [Subject { id: ROLE.into(), name: "cleaner".into() }]);
        assert_eq!(of_callers, [Some(0), Some(0)]);
    }

    #[test]
    fn an_arn_alone_is_the_principal_whose_id_another_source_tells() {
        let by_log = actor(Some(SESSION_ARN), None);
        let other = SESSION_ARN.replace("i-0a", "i-0b");
        let full = actor(Some(&other), Some("AROAEXAMPLEEXAMPLEXX:i-0b"));
        let (all, of_callers) = subjects(&[by_log.clone(), full]);
        assert_eq!((all.len(), all[0].id.as_str()), (1, ROLE));
        assert_eq!(of_callers, [Some(0), Some(0)]);
        let (alone, _) = subjects(&[by_log]);
        assert_eq!(alone[0].id, "arn:aws:sts::111122223333:assumed-role/cleaner");
    }

    #[test]
    fn an_account_is_nobody_and_an_unsigned_call_is_somebody() {
        let account = Actor { account_id: Some("111122223333".into()), ..Actor::default() };
        let canonical = actor(None, Some(&"ab".repeat(32)));
        let unsigned = Actor { account_id: Some("anonymous".into()), ..Actor::default() };
        let (all, of_callers) = subjects(&[account.into(), canonical, unsigned.into()]);
        assert_eq!(of_callers, [None, None, Some(0)]);
        assert_eq!(all[0].id, "anonymous");
    }

    #[test]
    fn few_sessions_of_many_are_told_in_order() {
        let names = ["d", "b", "a", "c", "b"];
        let actors = names.map(|name| actor(Some(&SESSION_ARN.replace("i-0a", name)), None));
        assert_eq!(sessions(actors.iter()), ["a", "b", "c"]);
    }
}
