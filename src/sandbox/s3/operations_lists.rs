//! Lists of objects and of versions, over the wire. They are no requests about objects, so they
//! become no acts.

use s3s::{S3Request, S3Result, dto};

use super::bucket::{Object, Version};
use super::buckets::{Buckets, Holding};
use super::listing::{
    Last, PAGE_ENTRIES_MAX, Page, Selection, continuation_token, marker_of, page, percent_encoded,
};
use super::operations_buckets::{look, shown_time};
use super::refused::Refused;
use super::visit::{Permission, Visit};

pub(super) fn objects_v2(
    buckets: &Buckets,
    request: S3Request<dto::ListObjectsV2Input>,
) -> S3Result<dto::ListObjectsV2Output> {
    let owner = request.input.expected_bucket_owner.as_deref();
    admit(buckets, &request, "s3:ListBucket", &request.input.bucket, owner)?;
    let input = request.input;
    let continued = match input.continuation_token.as_deref().map(marker_of) {
        None => None,
        Some(Some(marker)) => Some(marker),
        Some(None) => {
            let message = "The continuation token provided is incorrect";
            return Err(Refused::invalid_argument(message).into());
        }
    };
    let after = continued.as_deref().or(input.start_after.as_deref());
    let asked = Asked {
        prefix: input.prefix.as_deref(),
        delimiter: input.delimiter.as_deref(),
        after,
        entries_max: entries_max(input.max_keys)?,
        spelling: Spelling::of(input.encoding_type.as_ref()),
    };
    let listed = look(buckets, &input.bucket, |holding| asked.objects(holding))?;
    let spelling = asked.spelling;
    Ok(dto::ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: Some(spelling.spell(asked.prefix.unwrap_or_default())),
        max_keys: i32::try_from(asked.entries_max).ok(),
        key_count: i32::try_from(listed.contents.len() + listed.common_prefixes.len()).ok(),
        continuation_token: input.continuation_token,
        is_truncated: Some(listed.next_marker.is_some()),
        next_continuation_token: listed.next_marker.as_deref().map(continuation_token),
        contents: Some(listed.contents),
        common_prefixes: Some(listed.common_prefixes),
        delimiter: asked.delimiter.map(|delimiter| spelling.spell(delimiter)),
        encoding_type: input.encoding_type,
        start_after: input.start_after.as_deref().map(|after| spelling.spell(after)),
        request_charged: None,
    })
}

pub(super) fn objects(
    buckets: &Buckets,
    request: S3Request<dto::ListObjectsInput>,
) -> S3Result<dto::ListObjectsOutput> {
    let owner = request.input.expected_bucket_owner.as_deref();
    admit(buckets, &request, "s3:ListBucket", &request.input.bucket, owner)?;
    let input = request.input;
    let asked = Asked {
        prefix: input.prefix.as_deref(),
        delimiter: input.delimiter.as_deref(),
        after: input.marker.as_deref(),
        entries_max: entries_max(input.max_keys)?,
        spelling: Spelling::of(input.encoding_type.as_ref()),
    };
    let listed = look(buckets, &input.bucket, |holding| asked.objects(holding))?;
    let spelling = asked.spelling;
    // Without a delimiter, the last key says where to go on.
    let next_marker = listed.next_marker.as_deref().filter(|_| asked.delimiter.is_some());
    Ok(dto::ListObjectsOutput {
        name: Some(input.bucket),
        prefix: Some(spelling.spell(asked.prefix.unwrap_or_default())),
        marker: Some(spelling.spell(asked.after.unwrap_or_default())),
        max_keys: i32::try_from(asked.entries_max).ok(),
        is_truncated: Some(listed.next_marker.is_some()),
        next_marker: next_marker.map(|marker| spelling.spell(marker)),
        contents: Some(listed.contents),
        common_prefixes: Some(listed.common_prefixes),
        delimiter: asked.delimiter.map(|delimiter| spelling.spell(delimiter)),
        encoding_type: input.encoding_type,
        request_charged: None,
    })
}

pub(super) fn versions(
    buckets: &Buckets,
    request: S3Request<dto::ListObjectVersionsInput>,
) -> S3Result<dto::ListObjectVersionsOutput> {
    let owner = request.input.expected_bucket_owner.as_deref();
    admit(buckets, &request, "s3:ListBucketVersions", &request.input.bucket, owner)?;
    let input = request.input;
    let asked = Asked {
        prefix: input.prefix.as_deref(),
        delimiter: input.delimiter.as_deref(),
        after: input.key_marker.as_deref(),
        entries_max: entries_max(input.max_keys)?,
        spelling: Spelling::of(input.encoding_type.as_ref()),
    };
    let after_version = input.version_id_marker.as_deref().filter(|id| !id.is_empty());
    let spelling = asked.spelling;
    let mut output =
        look(buckets, &input.bucket, |holding| asked.versions(holding, after_version))?;
    output.name = Some(input.bucket);
    output.prefix = Some(spelling.spell(asked.prefix.unwrap_or_default()));
    output.delimiter = asked.delimiter.map(|delimiter| spelling.spell(delimiter));
    output.key_marker = Some(spelling.spell(asked.after.unwrap_or_default()));
    output.version_id_marker = Some(input.version_id_marker.unwrap_or_default());
    output.max_keys = i32::try_from(asked.entries_max).ok();
    output.encoding_type = input.encoding_type;
    Ok(output)
}

/// How names are written: as they are, or percent-encoded.
#[derive(Debug, Clone, Copy)]
enum Spelling {
    Raw,
    Encoded,
}

impl Spelling {
    fn of(encoding_type: Option<&dto::EncodingType>) -> Self {
        match encoding_type.map(dto::EncodingType::as_str) {
            Some(dto::EncodingType::URL) => Self::Encoded,
            _ => Self::Raw,
        }
    }

    fn spell(self, name: &str) -> String {
        match self {
            Self::Raw => name.to_owned(),
            Self::Encoded => percent_encoded(name),
        }
    }
}

/// What a list was asked for.
struct Asked<'a> {
    prefix: Option<&'a str>,
    delimiter: Option<&'a str>,
    /// The key or common prefix after which the list begins.
    after: Option<&'a str>,
    entries_max: usize,
    spelling: Spelling,
}

/// A page of objects.
struct Listed {
    contents: Vec<dto::Object>,
    common_prefixes: Vec<dto::CommonPrefix>,
    next_marker: Option<String>,
}

impl Asked<'_> {
    fn selection(&self) -> Selection<'_> {
        Selection {
            prefix: self.prefix.unwrap_or_default(),
            delimiter: self.delimiter.filter(|delimiter| !delimiter.is_empty()),
            shown_prefix: self.after,
            entries_max: self.entries_max,
        }
    }

    fn objects(&self, holding: &Holding) -> Listed {
        let after = self.after;
        let objects = holding.bucket.objects();
        let wanted = objects.filter(|(key, _)| after.is_none_or(|after| *key > after));
        let page = page(wanted, self.selection());
        let next_marker = page.next_marker().map(str::to_owned);
        let common_prefixes = self.common_prefixes(&page);
        let shown = |(key, (version, object)): (&str, (&Version, &Object))| dto::Object {
            key: Some(self.spelling.spell(key)),
            e_tag: Some(dto::ETag::Strong(object.etag.clone())),
            last_modified: Some(shown_time(version.last_modified)),
            size: i64::try_from(object.body.len()).ok(),
            storage_class: Some(dto::ObjectStorageClass::from_static("STANDARD")),
            ..dto::Object::default()
        };
        let contents = page.entries.into_iter().map(shown).collect();
        Listed { contents, common_prefixes, next_marker }
    }

    fn versions(
        &self,
        holding: &Holding,
        after_version: Option<&str>,
    ) -> dto::ListObjectVersionsOutput {
        // Of the key of the marker only the versions after the named one are left.
        let mut is_past = false;
        let after = self.after;
        let wanted = holding.bucket.versions().filter(|(key, (version, _))| match after {
            Some(after) if *key == after => {
                let is_left = is_past;
                is_past |= after_version == Some(version.id.as_str());
                is_left
            }
            Some(after) => *key > after,
            None => true,
        });
        let page = page(wanted, self.selection());
        let next_key_marker = page.next_marker().map(|marker| self.spelling.spell(marker));
        let ends_with_entry = matches!(page.more_after, Some(Last::Entry));
        let last = page.entries.last().filter(|_| ends_with_entry);
        let mut output = dto::ListObjectVersionsOutput {
            is_truncated: Some(next_key_marker.is_some()),
            next_key_marker,
            next_version_id_marker: last.map(|(_, (version, _))| version.id.clone()),
            common_prefixes: Some(self.common_prefixes(&page)),
            ..dto::ListObjectVersionsOutput::default()
        };
        for (key, (version, is_latest)) in page.entries {
            let key = Some(self.spelling.spell(key));
            let version_id = Some(version.id.clone());
            let last_modified = Some(shown_time(version.last_modified));
            let is_latest = Some(is_latest);
            let Some(object) = &version.object else {
                let owner = None;
                let marker =
                    dto::DeleteMarkerEntry { is_latest, key, last_modified, owner, version_id };
                output.delete_markers.get_or_insert_default().push(marker);
                continue;
            };
            output.versions.get_or_insert_default().push(dto::ObjectVersion {
                e_tag: Some(dto::ETag::Strong(object.etag.clone())),
                size: i64::try_from(object.body.len()).ok(),
                storage_class: Some(dto::ObjectVersionStorageClass::from_static("STANDARD")),
                is_latest,
                key,
                last_modified,
                version_id,
                ..dto::ObjectVersion::default()
            });
        }
        output
    }

    fn common_prefixes<T>(&self, page: &Page<'_, T>) -> Vec<dto::CommonPrefix> {
        let prefixes = page.common_prefixes.iter();
        prefixes
            .map(|prefix| dto::CommonPrefix { prefix: Some(self.spelling.spell(prefix)) })
            .collect()
    }
}

fn entries_max(max_keys: Option<i32>) -> Result<usize, Refused> {
    let Some(max_keys) = max_keys else { return Ok(PAGE_ENTRIES_MAX) };
    usize::try_from(max_keys).map(|max_keys| max_keys.min(PAGE_ENTRIES_MAX)).map_err(|_| {
        Refused::invalid_argument("Argument maxKeys must be an integer between 0 and 2147483647")
    })
}

fn admit<T>(
    buckets: &Buckets,
    request: &S3Request<T>,
    action: &str,
    bucket: &str,
    owner: Option<&str>,
) -> Result<(), Refused> {
    let visit = Visit::of(buckets, request, bucket);
    visit.admit(buckets, Permission { action, bucket, key: None }, owner)
}
