//! A day of an image service, with the incidents that deltrail was built for. It follows from a
//! seed, and knows nothing of how the day is played.

use std::time::Duration;

use fastrand::Rng;

use super::deed::{Actor, Deed, Planned};

/// Where images live; not versioned.
pub const IMAGES: &str = "example-images";
/// Where originals are kept; versioned.
pub const ARCHIVE: &str = "example-archive";
/// How long the story lasts.
pub const DAY: Duration = Duration::from_hours(24);

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

/// What nobody may delete: keys below it are protected by a policy.
pub const PROTECTED: &str = "originals/";

/// The day of this seed, in the order of time.
#[must_use]
pub fn day(seed: u64) -> Vec<Planned> {
    let mut day = Day { random: Rng::with_seed(seed), planned: Vec::new() };
    day.nightly_cleanup();
    day.ordinary_traffic();
    day.archive();
    day.vanishing_album();
    day.deleted_twice();
    day.stale_delete();
    day.refused_deletes();
    day.lifecycle();
    // Stable, so that what was planned in order for the same second stays in order.
    day.planned.sort_by_key(|planned| planned.after);
    day.planned
}

struct Day {
    random: Rng,
    planned: Vec<Planned>,
}

impl Day {
    fn at(&mut self, second: u64, actor: Actor, deed: Deed) {
        self.planned.push(Planned { after: Duration::from_secs(second), actor, deed });
    }

    fn tell(&mut self, second: u64, actor: Actor, text: impl Into<String>) {
        self.at(second, actor, Deed::Tell(text.into()));
    }

    fn upload(&mut self, second: u64, actor: Actor, bucket: &'static str, key: &str) {
        let object_bytes = self.random.usize(200..4_000);
        self.at(second, actor, Deed::Upload { bucket, key: key.into(), object_bytes });
    }

    /// What was processed yesterday is removed by night, up to 1 000 keys to a call.
    fn nightly_cleanup(&mut self) {
        let actor = Actor::CleanupJob;
        let keys: Vec<String> = (0..self.random.usize(230..320))
            .map(|n| format!("tmp/2026/upload {n:04} (1+1=2) 100%.part"))
            .collect();
        for (n, key) in keys.iter().enumerate() {
            self.upload(n as u64 / 4, Actor::ImageService, IMAGES, key);
        }
        self.tell(
            3 * HOUR,
            actor,
            format!("the nightly clean-up removes {} temporary files in bulk calls", keys.len()),
        );
        for (n, chunk) in keys.chunks(100).enumerate() {
            let deed = Deed::DeleteMany { bucket: IMAGES, keys: chunk.to_vec() };
            self.at(3 * HOUR + 2 * n as u64, actor, deed);
        }
    }

    /// Uploads and reads all day, more of them by day; people remove a picture now and then.
    fn ordinary_traffic(&mut self) {
        let actor = Actor::ImageService;
        let mut second = 4 * HOUR;
        let mut n = 0;
        while second < 23 * HOUR {
            let is_busy = (8 * HOUR..20 * HOUR).contains(&second);
            second += self.random.u64(if is_busy { 60..420 } else { 300..1_500 });
            n += 1;
            let key = format!("albums/{}/photo-{n:04}.jpg", self.random.u32(100..140));
            self.upload(second, actor, IMAGES, &key);
            if self.random.u32(..3) == 0 {
                let deed = Deed::Read { bucket: IMAGES, key: key.clone() };
                self.at(second + 20, actor, deed);
            }
            if self.random.u32(..4) == 0 {
                let late = second + self.random.u64(90..HOUR / 2);
                self.at(late, actor, Deed::Delete { bucket: IMAGES, key });
            }
        }
    }

    /// The versioned bucket: most deletes only hide, some are for good, and one is taken back.
    fn archive(&mut self) {
        let actor = Actor::Archivist;
        let keys: Vec<String> =
            (0..14).map(|n| format!("2025/año nuevo/scan-{n:02}.tiff")).collect();
        for (n, key) in keys.iter().enumerate() {
            self.upload(5 * HOUR + n as u64, actor, ARCHIVE, key);
        }
        let start = 9 * HOUR + self.random.u64(..HOUR);
        self.tell(
            start,
            actor,
            "the archivist tidies up: markers over 8 scans, 5 versions for good, one mistake taken \
             back",
        );
        for (n, key) in keys[..8].iter().enumerate() {
            let deed = Deed::Delete { bucket: ARCHIVE, key: key.clone() };
            self.at(start + 5 * n as u64, actor, deed);
        }
        for (n, key) in keys[8..13].iter().enumerate() {
            let deed = Deed::DeleteVersion { bucket: ARCHIVE, key: key.clone() };
            self.at(start + 3 * MINUTE + 5 * n as u64, actor, deed);
        }
        let deed = Deed::Undelete { bucket: ARCHIVE, key: keys[0].clone() };
        self.at(start + 10 * MINUTE, actor, deed);
    }

    /// The mystery: nobody waits for the answer, and the call leaves the process a minute later.
    fn vanishing_album(&mut self) {
        let actor = Actor::ImageService;
        let second = 10 * HOUR + self.random.u64(..30 * MINUTE);
        let keys: Vec<String> = (0..self.random.usize(10..16))
            .map(|n| format!("albums/wedding & party/IMG_{n:03}.jpg"))
            .collect();
        for (n, key) in keys.iter().enumerate() {
            self.upload(8 * HOUR + n as u64, actor, IMAGES, key);
        }
        self.tell(
            second,
            actor,
            format!(
                "somebody removes an album of {}: deleteObjects, fire-and-forget, nobody waits",
                keys.len()
            ),
        );
        let late = second + MINUTE + self.random.u64(1..20);
        self.tell(late, actor, "a minute later the call reaches S3, and the images are gone");
        self.at(late, actor, Deed::DeleteMany { bucket: IMAGES, keys });
    }

    /// A callback and a promise: the request is sent twice.
    fn deleted_twice(&mut self) {
        let actor = Actor::ImageService;
        let second = 13 * HOUR + self.random.u64(..HOUR);
        let key = "avatars/user-4711.png";
        self.upload(12 * HOUR, actor, IMAGES, key);
        self.tell(second, actor, format!("{key} is deleted twice within milliseconds"));
        self.at(second, actor, Deed::DeleteTwice { bucket: IMAGES, key: key.into() });
    }

    /// A list that was made before the upload deletes what it does not know.
    fn stale_delete(&mut self) {
        let second = 15 * HOUR + self.random.u64(..HOUR);
        let key = "banners/front page.webp";
        self.upload(12 * HOUR, Actor::ImageService, IMAGES, key);
        self.tell(second, Actor::ImageService, format!("a new {key} replaces the old one"));
        self.upload(second, Actor::ImageService, IMAGES, key);
        let late = second + 5 * MINUTE;
        self.tell(
            late,
            Actor::CleanupJob,
            format!("five minutes later the clean-up, with an old list, deletes the new {key}"),
        );
        self.at(late, Actor::CleanupJob, Deed::Delete { bucket: IMAGES, key: key.into() });
    }

    /// Refused one by one; then in a bulk call, which succeeds for what is not protected.
    fn refused_deletes(&mut self) {
        let actor = Actor::Intern;
        let second = 17 * HOUR + self.random.u64(..HOUR);
        let mut keys: Vec<String> = (0..7).map(|n| format!("drafts/intern/try-{n}.psd")).collect();
        for (n, key) in keys.iter().enumerate() {
            self.upload(16 * HOUR + n as u64, actor, IMAGES, key);
        }
        let protected: Vec<String> = (0..self.random.usize(12..24))
            .map(|n| format!("{PROTECTED}IMG_{:04}.tif", 7_100 + n))
            .collect();
        self.tell(
            second,
            actor,
            format!("the intern tries to delete {} originals, and is refused", protected.len()),
        );
        for (n, key) in protected.iter().enumerate() {
            let deed = Deed::Delete { bucket: IMAGES, key: key.clone() };
            self.at(second + 10 * n as u64, actor, deed);
        }
        keys.extend_from_slice(&protected[..3]);
        let late = second + 10 * MINUTE;
        self.tell(late, actor, "then 10 keys in one call: S3 says yes, and refuses 3 of them");
        self.at(late, actor, Deed::DeleteMany { bucket: IMAGES, keys });
    }

    /// S3 removes by itself what a rule says, and CloudTrail does not see it.
    fn lifecycle(&mut self) {
        let second = 21 * HOUR + self.random.u64(..HOUR);
        let keys: Vec<String> = (0..12).map(|n| format!("cache/thumb-{n:02}.webp")).collect();
        for (n, key) in keys.iter().enumerate() {
            self.upload(6 * HOUR + n as u64, Actor::ImageService, IMAGES, key);
        }
        self.tell(
            second,
            Actor::ImageService,
            format!(
                "a lifecycle rule expires {} thumbnails, which CloudTrail does not see",
                keys.len()
            ),
        );
        for (n, key) in keys.into_iter().enumerate() {
            self.at(second + n as u64, Actor::ImageService, Deed::Expire { bucket: IMAGES, key });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_its_day_and_another_seed_another() {
        assert_eq!(day(7), day(7));
        assert_ne!(day(7), day(8));
    }

    #[test]
    fn everything_happens_in_order_within_the_day() {
        for seed in 0..50 {
            let day = day(seed);
            assert!(day.is_sorted_by_key(|planned| planned.after));
            assert!(day.last().unwrap().after < DAY, "seed {seed}");
        }
    }

    #[test]
    fn what_is_deleted_was_uploaded_before_unless_it_is_protected() {
        for seed in 0..50 {
            let mut there = std::collections::BTreeSet::new();
            for planned in day(seed) {
                match planned.deed {
                    Deed::Upload { bucket, key, .. } => {
                        there.insert((bucket, key));
                    }
                    Deed::Delete { bucket, key }
                    | Deed::DeleteTwice { bucket, key }
                    | Deed::DeleteVersion { bucket, key }
                    | Deed::Undelete { bucket, key }
                    | Deed::Expire { bucket, key } => {
                        let is_known = there.contains(&(bucket, key.clone()));
                        assert!(is_known || key.starts_with(PROTECTED), "seed {seed}: {key}");
                    }
                    Deed::DeleteMany { bucket, keys } => {
                        for key in keys {
                            let is_known = there.contains(&(bucket, key.clone()));
                            assert!(is_known || key.starts_with(PROTECTED), "seed {seed}: {key}");
                        }
                    }
                    Deed::Tell(_) | Deed::Read { .. } => {}
                }
            }
        }
    }
}
