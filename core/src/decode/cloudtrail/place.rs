//! Which bucket and key a record is about: out of its request parameters, its resources, or the
//! details of a service event. It knows ARNs; it does not know what was done there.

use serde_json::Value;

use crate::decode::lenient::filled_text;

/// Suffixes that S3 reserves for the aliases of access points: no bucket's name ends so.
const ALIAS_SUFFIXES: [&str; 3] = ["-s3alias", "--ol-s3", ".mrap"];

/// How deep the details of a service event are searched.
const DETAIL_LEVELS_MAX: usize = 6;

/// The bucket that a record is about. A name in the request parameters that stands for an access
/// point gives way to the bucket among the resources, which is always a real one.
pub(super) fn bucket_of(request: &Value, resources: &Value, details: &Value) -> Option<String> {
    let named = filled_text(&request["bucketName"]);
    let real = named.filter(|name| !stands_for_another(name));
    real.or_else(|| bucket_of_resources(resources))
        .or_else(|| named.and_then(|name| arn_place(name)?.bucket))
        .or(named)
        .or_else(|| detail(details, &["bucketname", "s3bucket", "bucket"]))
        .or_else(|| bucket_in_named(details))
        .or_else(|| in_arns(details, DETAIL_LEVELS_MAX, |place| place.bucket))
        .map(str::to_owned)
}

/// The key that a record of a single delete is about, raw as everywhere in CloudTrail. Outposts
/// spells it `Key`; where a bulk call's child has it is not documented, so every place is tried.
pub(super) fn key_of(request: &Value, resources: &Value, details: &Value) -> Option<String> {
    filled_text(&request["key"])
        .or_else(|| filled_text(&request["Key"]))
        .or_else(|| key_of_resources(resources))
        .or_else(|| detail(details, &["key", "objectkey", "s3objectkey", "s3key", "objectname"]))
        .or_else(|| in_arns(details, DETAIL_LEVELS_MAX, |place| place.key))
        .map(str::to_owned)
}

/// The text of the first member of `details`, however nested, that has one of these names. Names
/// are compared without case, hyphens and underscores.
pub(super) fn detail<'a>(details: &'a Value, names: &[&str]) -> Option<&'a str> {
    member(details, names, DETAIL_LEVELS_MAX, &filled_text)
}

/// Like [`detail`], for a member that is a boolean, and `true`.
pub(super) fn is_detail_true(details: &Value, names: &[&str]) -> bool {
    let is_true = |value: &Value| crate::decode::lenient::is_true(value).then_some(());
    member(details, names, DETAIL_LEVELS_MAX, &is_true).is_some()
}

fn member<'a, T>(
    value: &'a Value,
    names: &[&str],
    levels: usize,
    read: &impl Fn(&'a Value) -> Option<T>,
) -> Option<T> {
    let deeper = levels.checked_sub(1)?;
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| names.contains(&plain_name(name).as_str()))
            .find_map(|(_, value)| read(value))
            .or_else(|| members.values().find_map(|value| member(value, names, deeper, read))),
        Value::Array(list) => list.iter().find_map(|value| member(value, names, deeper, read)),
        _ => None,
    }
}

fn plain_name(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_')).map(|c| c.to_ascii_lowercase()).collect()
}

/// `"bucket": {"name": ".."}`, as S3's own notifications have it.
fn bucket_in_named(details: &Value) -> Option<&str> {
    fn name(bucket: &Value) -> Option<&str> {
        filled_text(&bucket["name"])
    }
    member(details, &["bucket"], DETAIL_LEVELS_MAX, &name)
}

fn in_arns<'a>(
    value: &'a Value,
    levels: usize,
    part: fn(ArnPlace<'a>) -> Option<&'a str>,
) -> Option<&'a str> {
    let deeper = levels.checked_sub(1)?;
    match value {
        Value::String(text) => part(arn_place(text)?),
        Value::Array(list) => list.iter().find_map(|value| in_arns(value, deeper, part)),
        Value::Object(members) => members.values().find_map(|value| in_arns(value, deeper, part)),
        _ => None,
    }
}

/// Whether what is named as a bucket is an access point, or an alias of one.
pub(super) fn stands_for_another(bucket: &str) -> bool {
    bucket.starts_with("arn:") || ALIAS_SUFFIXES.iter().any(|suffix| bucket.ends_with(suffix))
}

/// A resource's type may be missing; then its ARN tells what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ResourceKind {
    Bucket,
    Object,
    Other,
}

fn each_resource(resources: &Value) -> impl Iterator<Item = &Value> {
    let list = match resources {
        Value::Array(list) => list.as_slice(),
        single => std::slice::from_ref(single),
    };
    list.iter().filter(|resource| resource.is_object())
}

fn kind_of(resource: &Value, place: &ArnPlace<'_>) -> ResourceKind {
    match filled_text(&resource["type"]) {
        Some(kind) if kind.ends_with("Bucket") => ResourceKind::Bucket,
        Some(kind) if kind.ends_with("Object") => ResourceKind::Object,
        Some(_) => ResourceKind::Other,
        None if place.key.is_some() => ResourceKind::Object,
        None => ResourceKind::Bucket,
    }
}

fn bucket_of_resources(resources: &Value) -> Option<&str> {
    let bucket_among = |wanted: ResourceKind| {
        each_resource(resources).find_map(|resource| {
            let arn = filled_text(&resource["ARN"]).or_else(|| filled_text(&resource["ARNPrefix"]));
            let place = arn_place(arn?)?;
            place.bucket.filter(|_| kind_of(resource, &place) == wanted)
        })
    };
    bucket_among(ResourceKind::Bucket).or_else(|| bucket_among(ResourceKind::Object))
}

fn key_of_resources(resources: &Value) -> Option<&str> {
    // An `ARNPrefix` is about many keys, so it is not looked at.
    each_resource(resources).find_map(|resource| {
        let place = arn_place(filled_text(&resource["ARN"])?)?;
        place.key.filter(|_| kind_of(resource, &place) == ResourceKind::Object)
    })
}

/// What an ARN of S3 points at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct ArnPlace<'a> {
    bucket: Option<&'a str>,
    key: Option<&'a str>,
}

/// Reads the ARN of a bucket or of something in it, in any partition. An access point names no
/// bucket.
fn arn_place(arn: &str) -> Option<ArnPlace<'_>> {
    let mut parts = arn.splitn(6, ':');
    (parts.next()? == "arn").then_some(())?;
    let service = parts.nth(1)?;
    let resource = parts.nth(2)?;
    let is_access_point = ["accesspoint/", "accesspoint:"].iter().any(|p| resource.starts_with(p));
    let (bucket, key) = match service {
        "s3" | "s3express" | "s3-outposts" if is_access_point => {
            (None, resource.split_once("/object/").map(|(_, key)| key))
        }
        "s3" => match resource.split_once('/') {
            Some((bucket, key)) => (Some(bucket), Some(key)),
            None => (Some(resource), None),
        },
        "s3express" => bucket_path(resource.strip_prefix("bucket/")?),
        "s3-outposts" => bucket_path(resource.split_once("/bucket/")?.1),
        _ => return None,
    };
    let filled = |text: &&str| !text.is_empty();
    Some(ArnPlace { bucket: bucket.filter(filled), key: key.filter(filled) })
}

/// `NAME`, `NAME/KEY` or `NAME/object/KEY`.
fn bucket_path(path: &str) -> (Option<&str>, Option<&str>) {
    match path.split_once('/') {
        Some((bucket, key)) => (Some(bucket), Some(key.strip_prefix("object/").unwrap_or(key))),
        None => (Some(path), None),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{ArnPlace, arn_place, bucket_of, key_of};

    fn place(arn: &str) -> Option<(Option<&str>, Option<&str>)> {
        arn_place(arn).map(|ArnPlace { bucket, key }| (bucket, key))
    }

    #[test]
    fn arns_of_every_partition_and_service_are_read() {
        let both = Some((Some("b"), Some("k/a:b c")));
        assert_eq!(place("arn:aws:s3:::b/k/a:b c"), both);
        assert_eq!(place("arn:aws-cn:s3:::b/k/a:b c"), both);
        assert_eq!(place("arn:aws-us-gov:s3:::b/k/a:b c"), both);
        assert_eq!(place("arn:aws:s3express:us-west-2:111122223333:bucket/b/k/a:b c"), both);
        let outpost = "arn:aws:s3-outposts:us-east-1:111122223333:outpost/op-01";
        assert_eq!(place(&format!("{outpost}/bucket/b/object/k/a:b c")), both);
        assert_eq!(place("arn:aws:s3:::b/"), Some((Some("b"), None)));
        assert_eq!(place("arn:aws:s3:::b"), Some((Some("b"), None)));
        let point = "arn:aws:s3:us-east-1:111122223333:accesspoint/ap";
        assert_eq!(place(point), Some((None, None)));
        assert_eq!(place(&format!("{point}/object/k")), Some((None, Some("k"))));
        assert_eq!(place("arn:aws:kms:us-east-1:111122223333:key/1"), None);
        assert_eq!(place("b/k"), None);
    }

    #[test]
    fn the_bucket_is_found_with_resources_in_either_order_and_without_types() {
        let object = json!({"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::b/k"});
        let prefix = json!({"type": "AWS::S3::Object", "ARNPrefix": "arn:aws:s3:::b/"});
        let bucket = json!({"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::b"});
        let untyped = json!({"ARN": "arn:aws:s3:::b"});
        for resources in [
            json!([object, bucket]),
            json!([bucket, object]),
            json!([prefix]),
            json!([untyped]),
            json!([null, 1, object]),
            object.clone(),
        ] {
            assert_eq!(
                bucket_of(&Value::Null, &resources, &Value::Null).as_deref(),
                Some("b"),
                "{resources}"
            );
        }
        assert_eq!(bucket_of(&json!({"bucketName": 7}), &json!("omitted"), &Value::Null), None);
    }

    #[test]
    fn an_access_point_gives_way_to_its_bucket() {
        let resources = json!([
            {"type": "AWS::S3::AccessPoint", "ARN": "arn:aws:s3:eu-west-1:1:accesspoint/ap"},
            {"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::real"},
        ]);
        let arn = "arn:aws:s3:eu-west-1:1:accesspoint/ap";
        for name in [arn, "ap-abc123-s3alias"] {
            let request = json!({ "bucketName": name });
            assert_eq!(bucket_of(&request, &resources, &Value::Null).as_deref(), Some("real"));
            assert_eq!(bucket_of(&request, &Value::Null, &Value::Null).as_deref(), Some(name));
        }
        assert_eq!(
            bucket_of(&json!({"bucketName": "b"}), &resources, &Value::Null).as_deref(),
            Some("b")
        );
    }

    #[test]
    fn the_key_is_taken_from_the_first_place_that_has_it() {
        let resources = json!([{"ARN": "arn:aws:s3:::b/from arn"}]);
        let details = json!({"a": {"object_key": ["from details"]}});
        let nested_arn = json!({"objects": [{"resource": "arn:aws:s3:::b/nested"}]});
        let none = Value::Null;
        let cases = [
            (json!({"key": "k%20+ 가"}), &resources, &details, Some("k%20+ 가")),
            (json!({"Key": "outpost"}), &resources, &details, Some("outpost")),
            (json!({"key": {"a": 1}}), &resources, &details, Some("from arn")),
            (json!("omitted"), &none, &details, Some("from details")),
            (none.clone(), &none, &nested_arn, Some("nested")),
            (none.clone(), &none, &none, None),
        ];
        for (request, resources, details, expected) in cases {
            assert_eq!(key_of(&request, resources, details).as_deref(), expected, "{request}");
        }
        let prefix = json!([{"type": "AWS::S3::Object", "ARNPrefix": "arn:aws:s3:::b/p/"}]);
        assert_eq!(key_of(&none, &prefix, &none), None, "a prefix is no key");
    }
}
