//! The fields of a line from its key on. Three of them repeat what the caller sent, unescaped: the
//! request, the referer and the user agent may hold quotation marks, spaces and whole pieces of
//! other lines. So they are not searched for; what stands around them is:
//!
//! - The key is the first of these fields and is encoded, so it ends at the first space.
//! - No target of a request holds a space. So the request ends at its first quotation mark that is
//!   followed by a space and by what must follow: status, error code and four numbers. A request
//!   with spaces in it is only read if no second end of that kind is there; else the line is
//!   refused, since either reading could hide a delete or invent one.
//! - Behind the user agent all fields are S3's own and hold no quotation marks. So it ends at the
//!   last mark that is followed by a version, a host id, a signature version, ... as far as fields
//!   are there: fields that are added at the end may hold anything.

use super::told;

/// Fields from the version to the TLS version.
const LAST_FIELDS: usize = 7;

/// What the end of a line says. A field that is `-` is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tail<'a> {
    /// As it is written.
    pub(super) key: &'a str,
    /// The target of the HTTP request: a path, and perhaps a query.
    pub(super) target: Option<&'a str>,
    pub(super) http_status: Option<u16>,
    pub(super) error_code: Option<&'a str>,
    pub(super) total_millis: Option<i64>,
    pub(super) user_agent: Option<&'a str>,
    pub(super) version_id: Option<&'a str>,
}

/// Status, error code and times, and what follows them.
#[derive(Debug, Clone, Copy)]
struct Answer<'a> {
    http_status: Option<u16>,
    error_code: Option<&'a str>,
    total_millis: Option<i64>,
    /// From the referer on.
    rest: &'a str,
}

impl<'a> Tail<'a> {
    /// Reads the end of a line, from its key on.
    ///
    /// # Errors
    /// What cannot be read, or can be read in two ways.
    pub(super) fn of(rest: &'a str) -> Result<Self, &'static str> {
        let (key, rest) = key_and_rest(rest).ok_or("no request follows the key")?;
        let (target, answer) = if let Some(rest) = unquoted(rest) {
            (None, Answer::of(rest))
        } else {
            let (request, answer) = request_and_answer(rest)?;
            (target_of(request), Some(answer))
        };
        let answer = answer.ok_or("no status and times follow the request")?;
        let (user_agent, version_id) = agent_and_version(answer.rest)
            .ok_or("no version follows the user agent; the line was cut off")?;
        Ok(Self {
            key,
            target,
            http_status: answer.http_status,
            error_code: answer.error_code,
            total_millis: answer.total_millis,
            user_agent,
            version_id: told(version_id),
        })
    }
}

impl<'a> Answer<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let (status, rest) = text.split_once(' ')?;
        let (error_code, rest) = rest.split_once(' ')?;
        let (sent_bytes, rest) = rest.split_once(' ')?;
        let (object_bytes, rest) = rest.split_once(' ')?;
        let (total, rest) = rest.split_once(' ')?;
        let (turn_around, rest) = rest.split_once(' ')?;
        let is_status = status.len() == 3 && is_number(status);
        let is_code = |code: &str| {
            code.starts_with(|first: char| first.is_ascii_alphabetic())
                && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        let numbers = [sent_bytes, object_bytes, total, turn_around];
        let is_answer = (status == "-" || is_status)
            && (error_code == "-" || is_code(error_code))
            && numbers.iter().all(|number| *number == "-" || is_number(number))
            && rest.starts_with(['"', '-']);
        is_answer.then(|| Self {
            http_status: status.parse().ok(),
            error_code: told(error_code),
            total_millis: total.parse().ok(),
            rest,
        })
    }
}

/// What follows a field that has nothing to say, with quotation marks or without.
fn unquoted(rest: &str) -> Option<&str> {
    rest.strip_prefix("- ").or_else(|| rest.strip_prefix("\"-\" "))
}

/// A key without a space, as encoded ones are; or one that was not encoded and holds some, which is
/// only found before a request to delete.
fn key_and_rest(rest: &str) -> Option<(&str, &str)> {
    let (key, behind) = rest.split_once(' ')?;
    if begins_request(behind) {
        return Some((key, behind));
    }
    let end = rest.find(" \"DELETE ")?;
    Some((&rest[..end], &rest[end + 1..]))
}

fn begins_request(text: &str) -> bool {
    let is_method =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase());
    let quoted = || text.strip_prefix('"')?.split_once(' ');
    unquoted(text).is_some() || quoted().is_some_and(|(method, _)| is_method(method))
}

fn request_and_answer(rest: &str) -> Result<(&str, Answer<'_>), &'static str> {
    let quoted = rest.strip_prefix('"').ok_or("no request follows the key")?;
    let mut ends = quoted
        .match_indices("\" ")
        .filter_map(|(end, mark)| Some((end, Answer::of(&quoted[end + mark.len()..])?)));
    let (end, answer) = ends.next().ok_or("no status and times follow the request")?;
    let request = &quoted[..end];
    let is_plain = request.split(' ').count() <= 3;
    if !is_plain && ends.next().is_some() {
        return Err("the request holds what may be the end of a request");
    }
    Ok((request, answer))
}

/// The target of `METHOD TARGET HTTP/1.1`, of which the version may be missing.
fn target_of(request: &str) -> Option<&str> {
    let (_method, rest) = request.split_once(' ')?;
    let target = match rest.rsplit_once(' ') {
        Some((target, version)) if version.starts_with("HTTP/") => target,
        _ => rest,
    };
    Some(target)
}

/// The user agent, and the version behind it, out of the line from its referer on.
fn agent_and_version(rest: &str) -> Option<(Option<&str>, &str)> {
    if let Some(behind) = rest.strip_prefix("- - ") {
        return Some((None, first_field(behind)?));
    }
    let ends = || rest.rmatch_indices("\" ").map(|(end, mark)| (end, &rest[end + mark.len()..]));
    let (last_end, behind_last) = ends().next()?;
    let (end, behind) = if behind_last.split(' ').count() >= LAST_FIELDS {
        (last_end, last_fields(behind_last).unwrap_or(behind_last))
    } else {
        // The line is old, or it has fields that are not known yet and are quoted.
        let known = ends().find_map(|(end, behind)| Some((end, last_fields(behind)?)));
        known.unwrap_or((last_end, behind_last))
    };
    // Between the two there are a mark, a space and a mark, wherever the callers' own marks are.
    let between = &rest[..end];
    let agent = match between.strip_prefix("- \"") {
        Some(agent) => Some(agent),
        None => between.split_once("\" \"").map(|(_referer, agent)| agent),
    };
    Some((agent.filter(|agent| *agent != "-"), first_field(behind)?))
}

/// The fields from the version to the TLS version, which all lines have since 2018: these, or those
/// behind a user agent that is missing. Lines from before end earlier.
fn last_fields(text: &str) -> Option<&str> {
    let without_agent = || text.strip_prefix("- ").filter(|text| are_last_fields(text));
    Some(text).filter(|text| are_last_fields(text)).or_else(without_agent)
}

fn are_last_fields(text: &str) -> bool {
    let fields: Vec<&str> = text.split(' ').take(LAST_FIELDS).collect();
    let [_version, _host_id, signature, _cipher, authentication, _host, tls] = fields[..] else {
        return false;
    };
    fields.iter().all(|field| !field.contains('"'))
        && (signature == "-" || signature.starts_with("Sig"))
        && matches!(authentication, "-" | "AuthHeader" | "QueryString")
        && (tls == "-" || tls.starts_with("TLS"))
}

fn first_field(text: &str) -> Option<&str> {
    text.split(' ').next().filter(|field| !field.is_empty() && !field.contains('"'))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
