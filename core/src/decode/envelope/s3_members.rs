//! The members of a record of an S3 notification that matter, by their names. What they mean is
//! decided elsewhere.

use serde::de::MapAccess;

use super::members::{Leaf, Members, Object, unread};

/// A record: S3's event structure of the versions 2.x.
#[derive(Debug, Default)]
pub(super) struct Record<'a> {
    pub(super) event_version: Leaf<'a>,
    pub(super) event_source: Leaf<'a>,
    pub(super) event_name: Leaf<'a>,
    pub(super) event_time: Leaf<'a>,
    pub(super) region: Leaf<'a>,
    /// `userIdentity`.
    pub(super) user: Object<User<'a>>,
    /// `requestParameters`.
    pub(super) request: Object<Request<'a>>,
    /// `responseElements`.
    pub(super) response: Object<Response<'a>>,
    pub(super) s3: Object<S3<'a>>,
}

#[derive(Debug, Default)]
pub(super) struct User<'a> {
    pub(super) principal_id: Leaf<'a>,
}

#[derive(Debug, Default)]
pub(super) struct Request<'a> {
    pub(super) source_ip: Leaf<'a>,
}

#[derive(Debug, Default)]
pub(super) struct Response<'a> {
    pub(super) request_id: Leaf<'a>,
}

#[derive(Debug, Default)]
pub(super) struct S3<'a> {
    pub(super) bucket: Object<Bucket<'a>>,
    pub(super) object: Object<Named<'a>>,
}

#[derive(Debug, Default)]
pub(super) struct Bucket<'a> {
    pub(super) name: Leaf<'a>,
}

/// The object that an event names.
#[derive(Debug, Default)]
pub(super) struct Named<'a> {
    /// Form-encoded.
    pub(super) key: Leaf<'a>,
    pub(super) version_id: Leaf<'a>,
    pub(super) etag: Leaf<'a>,
    pub(super) size: Leaf<'a>,
    pub(super) sequencer: Leaf<'a>,
}

impl<'a> Members<'a> for Record<'a> {
    fn read<A: MapAccess<'a>>(&mut self, name: &str, value: &mut A) -> Result<(), A::Error> {
        match name {
            "eventVersion" => self.event_version = value.next_value()?,
            "eventSource" => self.event_source = value.next_value()?,
            "eventName" => self.event_name = value.next_value()?,
            "eventTime" => self.event_time = value.next_value()?,
            "awsRegion" => self.region = value.next_value()?,
            "userIdentity" => self.user = value.next_value()?,
            "requestParameters" => self.request = value.next_value()?,
            "responseElements" => self.response = value.next_value()?,
            "s3" => self.s3 = value.next_value()?,
            _ => unread(value)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for User<'a> {
    fn read<A: MapAccess<'a>>(&mut self, name: &str, value: &mut A) -> Result<(), A::Error> {
        match name {
            "principalId" => self.principal_id = value.next_value()?,
            _ => unread(value)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for Request<'a> {
    fn read<A: MapAccess<'a>>(&mut self, name: &str, value: &mut A) -> Result<(), A::Error> {
        match name {
            "sourceIPAddress" => self.source_ip = value.next_value()?,
            _ => unread(value)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for Response<'a> {
    fn read<A: MapAccess<'a>>(&mut self, name: &str, value: &mut A) -> Result<(), A::Error> {
        match name {
            "x-amz-request-id" => self.request_id = value.next_value()?,
            _ => unread(value)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for S3<'a> {
    fn read<A: MapAccess<'a>>(&mut self, name: &str, value: &mut A) -> Result<(), A::Error> {
        match name {
            "bucket" => self.bucket = value.next_value()?,
            "object" => self.object = value.next_value()?,
            _ => unread(value)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for Bucket<'a> {
    fn read<A: MapAccess<'a>>(&mut self, name: &str, value: &mut A) -> Result<(), A::Error> {
        match name {
            "name" => self.name = value.next_value()?,
            _ => unread(value)?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for Named<'a> {
    fn read<A: MapAccess<'a>>(&mut self, name: &str, value: &mut A) -> Result<(), A::Error> {
        match name {
            "key" => self.key = value.next_value()?,
            "versionId" => self.version_id = value.next_value()?,
            "eTag" => self.etag = value.next_value()?,
            "size" => self.size = value.next_value()?,
            "sequencer" => self.sequencer = value.next_value()?,
            _ => unread(value)?,
        }
        Ok(())
    }
}
