//! What can be done in the world: each act writes its records and its truth at once.

use serde_json::{Value, json};

use super::record::{self, Stamp};
use super::{FileId, World, add};

/// How the records of a bulk call are laid out; AWS does not document it.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// Whether children carry the request id of the aggregate, or one of their own.
    pub shares_request_id: bool,
    /// Whether the aggregate is written before its children.
    pub aggregate_first: bool,
    /// Where a child says its key.
    pub key_in: KeyIn,
}

/// Where a child says its key.
#[derive(Debug, Clone, Copy)]
pub enum KeyIn {
    RequestParameters,
    Resources,
    ServiceEventDetails,
}

/// The layout that the documents suggest most.
pub const LIKELY: Layout =
    Layout { shares_request_id: true, aggregate_first: true, key_in: KeyIn::RequestParameters };

impl World {
    /// The ids and times of a new call, some seconds after the one before.
    pub(super) fn stamp(&mut self, account: &str) -> Stamp {
        self.now_millis += 700 + i64::try_from(self.below(1500)).unwrap();
        let service_millis = 20 + i64::try_from(self.below(180)).unwrap();
        Stamp {
            account: account.to_owned(),
            request_id: self.token(16),
            event_id: self.guid(),
            started_millis: self.now_millis,
            ended_millis: self.now_millis + service_millis,
        }
    }

    /// An accepted request, and whether its record has times.
    pub(super) fn count_request(&mut self, stamp: &Stamp, bucket: &str, api: &str, timed: bool) {
        add(&mut self.truth.requests, &[bucket, api, "ok"], 1);
        if timed {
            self.truth.timed_requests += 1;
            let millis = stamp.ended_millis - stamp.started_millis;
            self.truth.service_millis += u64::try_from(millis).unwrap();
        }
    }

    pub(super) fn count_removal(&mut self, bucket: &str, kind: Option<&str>) {
        add(&mut self.truth.removed, &[bucket], 1);
        if let Some(kind) = kind {
            add(&mut self.truth.kinds, &[bucket, kind, "api"], 1);
        }
    }

    /// Deletes an object by one call, its record changed by `odd` on the way into the file.
    pub(super) fn delete(
        &mut self,
        file: FileId,
        account: &str,
        (bucket, key): (&str, &str),
        odd: impl FnOnce(Value) -> Value,
    ) {
        let stamp = self.stamp(account);
        let record = odd(record::delete_object(&stamp, bucket, key));
        let timed = record["additionalEventData"]["startTime"].is_number();
        self.tell(file, record);
        self.count_request(&stamp, bucket, "DeleteObject", timed);
        self.count_removal(bucket, Some("object"));
    }

    /// Deletes a version by its id.
    pub(super) fn delete_version(&mut self, file: FileId, account: &str, at: (&str, &str)) {
        let stamp = self.stamp(account);
        let mut record = record::delete_object(&stamp, at.0, at.1);
        record["requestParameters"]["versionId"] = json!(self.token(32));
        self.tell(file, record);
        self.count_request(&stamp, at.0, "DeleteObject", true);
        self.count_removal(at.0, Some("version"));
    }

    /// Deletes in a versioned bucket without a version: a marker is made.
    pub(super) fn mark(&mut self, file: FileId, account: &str, at: (&str, &str), version: &str) {
        let stamp = self.stamp(account);
        let mut record = record::delete_object(&stamp, at.0, at.1);
        record["responseElements"] =
            json!({ "x-amz-delete-marker": "true", "x-amz-version-id": version });
        self.tell(file, record);
        self.count_request(&stamp, at.0, "DeleteObject", true);
        self.count_removal(at.0, Some("marker"));
    }

    /// A call that S3 refuses: `outcome` is what that is to those who count.
    pub(super) fn refuse(
        &mut self,
        file: FileId,
        account: &str,
        (bucket, key): (&str, Option<&str>),
        (code, status, outcome): (&str, u16, &str),
    ) {
        let stamp = self.stamp(account);
        let (api, record) = match key {
            Some(key) => ("DeleteObject", record::delete_object(&stamp, bucket, key)),
            None => ("DeleteObjects", record::delete_objects(&stamp, bucket)),
        };
        self.tell(file, record::refused(record, code, status));
        add(&mut self.truth.requests, &[bucket, api, outcome], 1);
    }

    /// Deletes keys by one bulk call. The aggregate goes to one file and the children to another,
    /// which may be the same.
    pub(super) fn delete_bulk(
        &mut self,
        (aggregate_file, child_file): (FileId, FileId),
        account: &str,
        (bucket, keys): (&str, &[&str]),
        layout: Layout,
    ) {
        let stamp = self.stamp(account);
        let aggregate = record::delete_objects(&stamp, bucket);
        if layout.aggregate_first {
            self.tell(aggregate_file, aggregate.clone());
        }
        for key in keys {
            let child = self.child(&stamp, (bucket, key), layout);
            self.tell(child_file, child);
            self.count_removal(bucket, None);
        }
        if !layout.aggregate_first {
            self.tell(aggregate_file, aggregate);
        }
        self.count_request(&stamp, bucket, "DeleteObjects", true);
    }

    fn child(&mut self, parent: &Stamp, at: (&str, &str), layout: Layout) -> Value {
        let request_id =
            if layout.shares_request_id { parent.request_id.clone() } else { self.token(16) };
        let stamp = Stamp { request_id, event_id: self.guid(), ..parent.clone() };
        let mut child = record::child(&stamp, at.0, at.1);
        match layout.key_in {
            KeyIn::RequestParameters => {
                child["resources"] = json!([child["resources"][1]]);
            }
            KeyIn::Resources => child["requestParameters"] = Value::Null,
            KeyIn::ServiceEventDetails => {
                child["resources"] = json!([child["resources"][1]]);
                child["requestParameters"] = Value::Null;
                child["serviceEventDetails"] = json!({ "bucketName": at.0, "key": at.1 });
            }
        }
        child
    }

    /// One call, told to the caller's account and to the bucket owner's, each in a file of its own.
    pub(super) fn delete_across_accounts(
        &mut self,
        files: (FileId, FileId),
        accounts: (&str, &str),
        (bucket, key): (&str, &str),
        is_shared: bool,
    ) {
        let stamp = self.stamp(accounts.0);
        let mut callers = record::delete_object(&stamp, bucket, key);
        let mut owners = callers.clone();
        owners["eventID"] = json!(self.guid());
        owners["recipientAccountId"] = json!(accounts.1);
        owners["userIdentity"] =
            json!({ "type": "AWSAccount", "principalId": "AROAEXAMPLE", "accountId": accounts.0 });
        if is_shared {
            let shared = self.guid();
            callers["sharedEventID"] = json!(shared);
            owners["sharedEventID"] = json!(shared);
        }
        self.tell(files.0, callers);
        self.tell(files.1, owners);
        self.count_request(&stamp, bucket, "DeleteObject", true);
        self.count_removal(bucket, Some("object"));
    }

    /// Repeats the newest record of a file in another one, as CloudTrail now and then does.
    pub(super) fn repeat_newest(&mut self, of: FileId, file: FileId) {
        let record = self.files[of].records.last().expect("a record to repeat").clone();
        self.tell(file, record);
    }

    /// Completes the newest record of a file: an update, told as a record of its own.
    pub(super) fn update_newest(&mut self, of: FileId, file: FileId) {
        let mut record = self.files[of].records.last().expect("a record to update").clone();
        record["addendum"] = json!({
            "reason": "UPDATED_DATA",
            "updatedFields": "userIdentity",
            "originalRequestID": record["requestID"],
            "originalEventID": record["eventID"]
        });
        record["eventID"] = json!(self.guid());
        self.tell(file, record);
    }
}
