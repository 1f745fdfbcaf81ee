//! The fold: the removals of one slot as a pure function of the evidence in it. It knows no order
//! of arrival, no clock and no store.
//!
//! `removals = claims + children - maximum matching`. A *claim* has a trusted request id of its own
//! and is identified by it, so claims never merge by time. A *child* is CloudTrail's record of one
//! key of a bulk call, whose layout is not documented: it may or may not share the request id and
//! name the version. It is put beside a claim that S3 itself reported, at most one each.
//!
//! The count never falls as evidence arrives. New evidence adds a claim or a child, which raises
//! the sum by one and the matching by at most one; or it joins one that exists, and then every
//! condition of [`Child::fits`] is about *all* members, so that pairs are only ever lost.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use super::matching::maximum_matching;
use super::removal::CHILD_PREFIX;
use super::{
    Actor, Cause, Evidence, Kind, Mark, Moment, Removal, RemovalRole, Source, SourceSet, Target,
    Timestamp,
};

/// How far apart a child and a claim may lie, in milliseconds, when only their times speak for a
/// pair. Whoever gathers the evidence for a fold has to look as far.
pub const PAIR_MILLIS_MAX: i64 = 10_000;

/// The removals of one slot, sorted by identity. `evidence` is all evidence of the slot, in any
/// order, with any repetition of the same element; what is no removal is passed over.
#[must_use]
pub fn fold<'a>(evidence: impl IntoIterator<Item = &'a Evidence>) -> Vec<Removal> {
    let told = fold_told(evidence).into_iter();
    told.map(|(removal, _)| removal).collect()
}

/// The same, each removal with the evidence that tells of it: its claim, or the child put beside
/// it, and their copies.
#[must_use]
pub fn fold_told<'a>(
    evidence: impl IntoIterator<Item = &'a Evidence>,
) -> Vec<(Removal, Vec<&'a Evidence>)> {
    let set: BTreeMap<&str, &Evidence> =
        evidence.into_iter().map(|piece| (piece.id.as_str(), piece)).collect();
    let amended = Amendments::of(set.values().copied());
    let claims = claims_of(set.values().copied());
    let children = children_of(set.values().copied());
    let tiers = Tier::ALL.len();
    let partners = maximum_matching(children.len(), claims.len(), tiers, |tier, child, claim| {
        children[child].fits(&claims[claim], Tier::ALL[tier])
    });
    let mut members: Vec<Vec<&Evidence>> =
        claims.iter().map(|claim| claim.members.clone()).collect();
    let mut removals = Vec::with_capacity(claims.len() + children.len());
    let mut add = |identity, target, members: Vec<&'a Evidence>| {
        removals.push((removal_of(identity, target, &members, &amended), members));
    };
    for (child, partner) in children.into_iter().zip(partners) {
        match partner {
            Some(claim) => members[claim].extend(&child.members),
            None => add(child.identity, child.target, child.members),
        }
    }
    for (claim, members) in claims.into_iter().zip(members) {
        add(claim.identity, claim.target, members);
    }
    removals.sort_by(|(a, _), (b, _)| a.identity.cmp(&b.identity));
    removals
}

/// Evidence with one request id about one target.
struct Claim<'a> {
    identity: String,
    target: Target,
    members: Vec<&'a Evidence>,
    request_id: Option<&'a str>,
    has_direct_record: bool,
    times: (Timestamp, Timestamp),
}

/// One child and its copies for other accounts.
struct Child<'a> {
    identity: String,
    target: Target,
    members: Vec<&'a Evidence>,
    /// The first and last time of every child of the same call in this slot, by request id:
    /// conditions ask them all, so that it does not matter which copy became which child.
    call: Rc<CallTimes<'a>>,
}

type CallTimes<'a> = BTreeMap<Option<&'a str>, (Timestamp, Timestamp)>;

/// How much has to speak for a pair, the most telling first: the surest pairs are made first, and
/// what is left over of two versions of one key is the child that says the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tier {
    /// The request ids, and the child names the claim's target.
    RequestAndTarget,
    /// The request ids.
    Request,
    /// Else their times, if the child names the claim's target.
    TimeAndTarget,
    /// Else their times.
    Time,
}

impl Tier {
    const ALL: [Self; 4] = [Self::RequestAndTarget, Self::Request, Self::TimeAndTarget, Self::Time];
}

impl Child<'_> {
    /// Whether this child and that claim may be the same removal.
    fn fits(&self, claim: &Claim<'_>, tier: Tier) -> bool {
        let names_target = self.target == claim.target;
        let may_be_target = names_target || self.target == Target::Unknown;
        if claim.has_direct_record
            || !may_be_target
            || (tier == Tier::RequestAndTarget && !names_target)
        {
            return false;
        }
        let times_speak = tier == Tier::Time || (tier == Tier::TimeAndTarget && names_target);
        let (first, last) = claim.times;
        self.call.iter().all(|(request, (from, to))| {
            let same_request = request.is_some() && *request == claim.request_id;
            same_request
                || times_speak
                    && to.millis_since(first) <= PAIR_MILLIS_MAX
                    && last.millis_since(*from) <= PAIR_MILLIS_MAX
        })
    }
}

fn claims_of<'a>(evidence: impl Iterator<Item = &'a Evidence>) -> Vec<Claim<'a>> {
    let mut claims: BTreeMap<(String, &Target), Vec<&Evidence>> = BTreeMap::new();
    for piece in evidence.filter(|piece| piece.role == RemovalRole::Claim) {
        claims.entry((piece.request_identity(), &piece.target)).or_default().push(piece);
    }
    claims
        .into_iter()
        .map(|((request, target), members)| Claim {
            identity: format!("{request} {target}"),
            target: target.clone(),
            request_id: members.iter().find_map(|member| member.request_id.as_deref()),
            has_direct_record: members.iter().any(|m| m.source == Source::CloudTrail),
            times: times_of(&members),
            members,
        })
        .collect()
}

fn times_of(pieces: &[&Evidence]) -> (Timestamp, Timestamp) {
    pieces
        .iter()
        .map(|piece| (piece.at, piece.at))
        .reduce(|(a, b), (c, d)| (a.min(c), b.max(d)))
        .unwrap_or((Timestamp::from_millis(0), Timestamp::from_millis(0)))
}

/// Children by the call they belong to, copies for two accounts taken as one.
///
/// Copies share `sharedEventID`; where that is missing, the request id. One account holds at most
/// one copy of each child, so a call has as many children as the account that holds most of them.
/// Two children of one key differ by target, where the layout tells it; those of unknown target
/// count only as far as an account has more children than there are known ones.
fn children_of<'a>(evidence: impl Iterator<Item = &'a Evidence>) -> Vec<Child<'a>> {
    let mut calls: BTreeMap<String, Vec<&Evidence>> = BTreeMap::new();
    for piece in evidence.filter(|piece| piece.role == RemovalRole::Child) {
        calls.entry(call_identity(piece)).or_default().push(piece);
    }
    calls.into_iter().flat_map(|(identity, call)| children_of_call(&identity, &call)).collect()
}

fn call_identity(child: &Evidence) -> String {
    match (&child.shared_event_id, &child.request_id, &child.event_id) {
        (Some(id), _, _) => format!("{CHILD_PREFIX}s:{id}"),
        (None, Some(id), _) => format!("{CHILD_PREFIX}r:{id}"),
        (None, None, Some(id)) => format!("{CHILD_PREFIX}e:{id}"),
        (None, None, None) => format!("{CHILD_PREFIX}i:{}", child.id),
    }
}

fn children_of_call<'a>(identity: &str, call: &[&'a Evidence]) -> Vec<Child<'a>> {
    let mut by_target: BTreeMap<&Target, BTreeMap<&str, Vec<&'a Evidence>>> = BTreeMap::new();
    let mut by_account: BTreeMap<&str, usize> = BTreeMap::new();
    let mut times: CallTimes<'a> = BTreeMap::new();
    for &piece in call {
        let seen = times.entry(piece.request_id.as_deref()).or_insert((piece.at, piece.at));
        *seen = (seen.0.min(piece.at), seen.1.max(piece.at));
        let copies = by_target.entry(&piece.target).or_default();
        copies.entry(piece.account.as_str()).or_default().push(piece);
        *by_account.entry(piece.account.as_str()).or_default() += 1;
    }
    let times = Rc::new(times);
    let unknown = by_target.remove(&Target::Unknown).unwrap_or_default();
    let largest = |copies: &BTreeMap<&str, Vec<&Evidence>>| {
        copies.values().map(Vec::len).max().unwrap_or_default()
    };
    let child = |target: &Target, nth: usize, copies: &BTreeMap<&str, Vec<&'a Evidence>>| Child {
        identity: format!("{identity} {target} {nth}"),
        target: target.clone(),
        members: copies.values().filter_map(|copies| copies.get(nth).copied()).collect(),
        call: Rc::clone(&times),
    };
    let mut children: Vec<Child<'a>> = by_target
        .iter()
        .flat_map(|(target, copies)| (0..largest(copies)).map(move |nth| (*target, nth, copies)))
        .map(|(target, nth, copies)| child(target, nth, copies))
        .collect();
    let count = by_account.values().copied().max().unwrap_or_default();
    let known = children.len();
    children
        .extend((0..count.saturating_sub(known)).map(|nth| child(&Target::Unknown, nth, &unknown)));
    children
}

/// What `UPDATED_DATA` records say of the callers of earlier records: they correct who it was, and
/// are never removals themselves.
struct Amendments<'a>(BTreeMap<(&'a str, &'a str), &'a Arc<Actor>>);

impl<'a> Amendments<'a> {
    fn of(evidence: impl Iterator<Item = &'a Evidence>) -> Self {
        let mut actors: BTreeMap<_, &Arc<Actor>> = BTreeMap::new();
        for piece in evidence {
            if let (Some(event), Some(request)) = (&piece.amends_event_id, &piece.request_id) {
                actors
                    .entry((event.as_str(), request.as_str()))
                    .and_modify(|actor| *actor = actor.more_telling(&piece.actor))
                    .or_insert(&piece.actor);
            }
        }
        Self(actors)
    }

    fn actor(&self, piece: &'a Evidence) -> Option<&'a Arc<Actor>> {
        let event = piece.event_id.as_deref()?;
        let request = piece.request_id.as_deref()?;
        self.0.get(&(event, request)).copied()
    }
}

fn removal_of<'a>(
    identity: String,
    target: Target,
    members: &[&'a Evidence],
    amended: &Amendments<'a>,
) -> Removal {
    let sources: SourceSet = members.iter().map(|member| member.source).collect();
    // A copy of a record may miss what another says, and without a word of a marker it reads like
    // an object: so within a source the more special mark holds.
    let mark = members
        .iter()
        .filter(|member| member.mark != Mark::Unknown)
        .min_by_key(|member| (word_rank(member.source), Reverse(member.mark)))
        .map(|member| member.mark);
    let kind = match (mark, &target) {
        (_, Target::Version(_)) | (Some(Mark::Version), _) => Kind::Version,
        (Some(Mark::Object), _) => Kind::Object,
        (Some(Mark::Marker), _) => Kind::Marker,
        (Some(Mark::Unknown) | None, _) => Kind::Unknown,
    };
    let by_lifecycle = members.iter().any(|member| member.cause == Cause::Lifecycle);
    let request_ids: BTreeSet<_> = members
        .iter()
        .filter_map(|member| Some((member.role == RemovalRole::Child, member.request_id.as_ref()?)))
        .collect();
    let moment = finest_moment(members);
    Removal {
        identity,
        target,
        kind,
        cause: if by_lifecycle { Cause::Lifecycle } else { Cause::Api },
        is_confirmed: members.iter().any(|member| member.source.is_confirmation()),
        at: moment.at,
        is_coarse: moment.is_coarse,
        sequencer: moment.sequencer,
        notified_at: members
            .iter()
            .filter(|member| member.source == Source::S3Notification)
            .map(|member| member.at)
            .min(),
        request_id: request_ids.first().map(|(_, id)| (*id).clone()),
        sources,
        actor: caller(members, amended),
        marker_version_id: members.iter().filter_map(|m| m.marker_version_id.clone()).min(),
    }
}

/// Whose word on what was removed counts first: S3's own notice, then CloudTrail, then a log line.
const fn word_rank(source: Source) -> u8 {
    match source {
        Source::S3Notification | Source::EventBridge => 0,
        Source::CloudTrail => 1,
        Source::AccessLog | Source::Intent => 2,
    }
}

/// The earliest time on the finest clock: a notification's milliseconds, then CloudTrail's
/// `endTime`, then clocks of whole seconds. A child that lies far from the claim it was put beside
/// for its request id does not say when it was, so that whatever may be put beside a claim lies
/// near its removal.
fn finest_moment(members: &[&Evidence]) -> Moment {
    let claimed: Vec<Timestamp> = members
        .iter()
        .filter(|member| member.role == RemovalRole::Claim)
        .map(|member| member.at)
        .collect();
    let is_near = |at: Timestamp| {
        claimed.iter().all(|claimed| at.millis_since(*claimed).saturating_abs() <= PAIR_MILLIS_MAX)
    };
    let says_when =
        |piece: &Evidence| piece.role == RemovalRole::Claim || is_near(piece.moment().at);
    let clock = |piece: &Evidence| {
        let moment = piece.moment();
        let rank = match (piece.source, moment.is_coarse) {
            (Source::S3Notification, _) => 0,
            (_, false) => 1,
            (_, true) => 2,
        };
        (rank, moment.at, moment.is_coarse)
    };
    let (_, at, is_coarse) = members
        .iter()
        .filter(|piece| says_when(piece))
        .map(|piece| clock(piece))
        .min()
        .unwrap_or((0, Timestamp::from_millis(0), true));
    let sequencer = members.iter().filter_map(|member| member.sequencer.clone()).min();
    Moment { at, is_coarse, sequencer }
}

/// CloudTrail knows the full identity, the others little more than an id.
fn caller<'a>(members: &[&'a Evidence], amended: &Amendments<'a>) -> Arc<Actor> {
    let best = |actors: Vec<&'a Arc<Actor>>| actors.into_iter().reduce(|a, b| a.more_telling(b));
    let in_trail = |piece: &&&Evidence| piece.source == Source::CloudTrail;
    best(members.iter().filter_map(|piece| amended.actor(piece)).collect())
        .or_else(|| best(members.iter().filter(in_trail).map(|piece| &piece.actor).collect()))
        .or_else(|| best(members.iter().map(|piece| &piece.actor).collect()))
        .cloned()
        .unwrap_or_default()
}
