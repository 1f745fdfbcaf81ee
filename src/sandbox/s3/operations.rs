//! Which operations S3 answers: the face towards the protocol crate. What each does lies beside.

use s3s::dto;
use s3s::{S3, S3Request, S3Response, S3Result};

use super::buckets::Buckets;
use super::operations_buckets as buckets;
use super::operations_deletes as deletes;
use super::operations_lists as lists;
use super::operations_reads as reads;
use super::operations_writes as writes;

/// The operations on the buckets.
pub(super) struct Operations(pub Buckets);

type Answer<T> = S3Result<S3Response<T>>;

#[async_trait::async_trait]
impl S3 for Operations {
    async fn create_bucket(
        &self,
        request: S3Request<dto::CreateBucketInput>,
    ) -> Answer<dto::CreateBucketOutput> {
        buckets::create(&self.0, &request).map(S3Response::new)
    }

    async fn delete_bucket(
        &self,
        request: S3Request<dto::DeleteBucketInput>,
    ) -> Answer<dto::DeleteBucketOutput> {
        buckets::delete(&self.0, &request).map(S3Response::new)
    }

    async fn head_bucket(
        &self,
        request: S3Request<dto::HeadBucketInput>,
    ) -> Answer<dto::HeadBucketOutput> {
        buckets::head(&self.0, &request).map(S3Response::new)
    }

    async fn list_buckets(
        &self,
        request: S3Request<dto::ListBucketsInput>,
    ) -> Answer<dto::ListBucketsOutput> {
        buckets::list(&self.0, &request).map(S3Response::new)
    }

    async fn get_bucket_location(
        &self,
        request: S3Request<dto::GetBucketLocationInput>,
    ) -> Answer<dto::GetBucketLocationOutput> {
        buckets::location(&self.0, &request).map(S3Response::new)
    }

    async fn put_bucket_versioning(
        &self,
        request: S3Request<dto::PutBucketVersioningInput>,
    ) -> Answer<dto::PutBucketVersioningOutput> {
        buckets::put_versioning(&self.0, &request).map(S3Response::new)
    }

    async fn get_bucket_versioning(
        &self,
        request: S3Request<dto::GetBucketVersioningInput>,
    ) -> Answer<dto::GetBucketVersioningOutput> {
        buckets::versioning(&self.0, &request).map(S3Response::new)
    }

    async fn put_bucket_notification_configuration(
        &self,
        request: S3Request<dto::PutBucketNotificationConfigurationInput>,
    ) -> Answer<dto::PutBucketNotificationConfigurationOutput> {
        buckets::put_notifications(&self.0, request).map(S3Response::new)
    }

    async fn get_bucket_notification_configuration(
        &self,
        request: S3Request<dto::GetBucketNotificationConfigurationInput>,
    ) -> Answer<dto::GetBucketNotificationConfigurationOutput> {
        buckets::notifications(&self.0, &request).map(S3Response::new)
    }

    async fn put_bucket_logging(
        &self,
        request: S3Request<dto::PutBucketLoggingInput>,
    ) -> Answer<dto::PutBucketLoggingOutput> {
        buckets::put_logging(&self.0, request).map(S3Response::new)
    }

    async fn get_bucket_logging(
        &self,
        request: S3Request<dto::GetBucketLoggingInput>,
    ) -> Answer<dto::GetBucketLoggingOutput> {
        buckets::logging(&self.0, &request).map(S3Response::new)
    }

    async fn put_object(
        &self,
        request: S3Request<dto::PutObjectInput>,
    ) -> Answer<dto::PutObjectOutput> {
        writes::put(&self.0, request).await.map(S3Response::new)
    }

    async fn copy_object(
        &self,
        request: S3Request<dto::CopyObjectInput>,
    ) -> Answer<dto::CopyObjectOutput> {
        writes::copy(&self.0, request).map(S3Response::new)
    }

    async fn get_object(
        &self,
        request: S3Request<dto::GetObjectInput>,
    ) -> Answer<dto::GetObjectOutput> {
        reads::get(&self.0, request).map(S3Response::new)
    }

    async fn head_object(
        &self,
        request: S3Request<dto::HeadObjectInput>,
    ) -> Answer<dto::HeadObjectOutput> {
        reads::head(&self.0, request)
    }

    async fn delete_object(
        &self,
        request: S3Request<dto::DeleteObjectInput>,
    ) -> Answer<dto::DeleteObjectOutput> {
        deletes::delete(&self.0, request).map(S3Response::new)
    }

    async fn delete_objects(
        &self,
        request: S3Request<dto::DeleteObjectsInput>,
    ) -> Answer<dto::DeleteObjectsOutput> {
        deletes::delete_many(&self.0, request).map(S3Response::new)
    }

    async fn list_objects(
        &self,
        request: S3Request<dto::ListObjectsInput>,
    ) -> Answer<dto::ListObjectsOutput> {
        lists::objects(&self.0, request).map(S3Response::new)
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<dto::ListObjectsV2Input>,
    ) -> Answer<dto::ListObjectsV2Output> {
        lists::objects_v2(&self.0, request).map(S3Response::new)
    }

    async fn list_object_versions(
        &self,
        request: S3Request<dto::ListObjectVersionsInput>,
    ) -> Answer<dto::ListObjectVersionsOutput> {
        lists::versions(&self.0, request).map(S3Response::new)
    }
}
