//! What goes wrong on the day, and is hard to tell afterwards. It knows no routine.

use super::{Actor, Day, Deed, HOUR, IMAGES, MINUTE, PROTECTED};
use crate::sandbox::scenario::deed::Channel;

impl Day {
    /// The mystery: nobody waits for the answer, and the call leaves the process a minute later.
    pub(super) fn vanishing_album(&mut self) {
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
        self.declare(second, Channel::Message, vec![keys.clone()]);
        let late = second + MINUTE + self.random.u64(1..20);
        self.tell(late, actor, "a minute later the call reaches S3, and the images are gone");
        self.at(late, actor, Deed::DeleteMany { bucket: IMAGES, keys });
    }

    /// The call was built and never sent.
    pub(super) fn forgotten_removal(&mut self) {
        let actor = Actor::ImageService;
        let second = 11 * HOUR + self.random.u64(..30 * MINUTE);
        let key = "albums/holiday/IMG_0042.jpg";
        self.upload(8 * HOUR, actor, IMAGES, key);
        self.tell(
            second,
            actor,
            format!("somebody removes {key}: the call is built, and never sent"),
        );
        self.declare(second, Channel::Message, vec![vec![key.into()]]);
    }

    /// A callback and a promise: the request is sent twice.
    pub(super) fn deleted_twice(&mut self) {
        let actor = Actor::ImageService;
        let second = 13 * HOUR + self.random.u64(..HOUR);
        let key = "avatars/user-4711.png";
        self.upload(12 * HOUR, actor, IMAGES, key);
        self.tell(second, actor, format!("{key} is deleted twice within milliseconds"));
        self.at(second, actor, Deed::DeleteTwice { bucket: IMAGES, key: key.into() });
    }

    /// A service without access to the queue writes down what it will remove, and removes it.
    pub(super) fn declared_in_a_file(&mut self) {
        let actor = Actor::ImageService;
        let second = 14 * HOUR + self.random.u64(..30 * MINUTE);
        let keys: Vec<String> = (0..3).map(|n| format!("exports/2026/album-{n}.zip")).collect();
        for key in &keys {
            self.upload(13 * HOUR, actor, IMAGES, key);
        }
        self.tell(second, actor, "three exports are to go, says a file, and go one by one");
        let intents = keys.iter().map(|key| vec![key.clone()]).collect();
        self.declare(second, Channel::LogObject, intents);
        for (n, key) in keys.into_iter().enumerate() {
            let late = second + 30 + 10 * n as u64;
            self.at(late, actor, Deed::Delete { bucket: IMAGES, key });
        }
    }

    /// A list that was made before the upload deletes what it does not know.
    pub(super) fn stale_delete(&mut self) {
        let second = 15 * HOUR + self.random.u64(..HOUR);
        let key = "thumbnails/front page.webp";
        self.upload(second - 7 * MINUTE, Actor::ImageService, IMAGES, key);
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
    pub(super) fn refused_deletes(&mut self) {
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

    fn declare(&mut self, second: u64, channel: Channel, intents: Vec<Vec<String>>) {
        let deed = Deed::Declare { channel, bucket: IMAGES, intents };
        self.at(second, Actor::ImageService, deed);
    }
}
