//! What happens every day: uploads, reads and removals, by people, by jobs and by lifecycle rules.
//! It knows no incident.

use super::{ARCHIVE, Actor, DAY, Day, Deed, EVENING, HOUR, IMAGES, MINUTE};

impl Day {
    /// What was processed yesterday is removed by night, up to 1 000 keys to a call.
    pub(super) fn nightly_cleanup(&mut self) {
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

    /// Uploads and reads all day, more of them by day; people remove a picture now and then. In the
    /// evening nobody removes anything any more, and something happens every few minutes.
    pub(super) fn ordinary_traffic(&mut self) {
        let actor = Actor::ImageService;
        let mut second = 4 * HOUR;
        let mut n = 0;
        loop {
            let is_busy = (8 * HOUR..20 * HOUR).contains(&second);
            second += self.random.u64(if is_busy { 60..420 } else { 300..840 });
            if second + MINUTE >= DAY.as_secs() {
                return;
            }
            n += 1;
            let key = format!("albums/{}/photo-{n:04}.jpg", self.random.u32(100..140));
            self.upload(second, actor, IMAGES, &key);
            if second > EVENING || self.random.u32(..3) == 0 {
                let deed = Deed::Read { bucket: IMAGES, key: key.clone() };
                self.at(second + 20, actor, deed);
            }
            let late = second + self.random.u64(90..HOUR / 2);
            if self.random.u32(..4) == 0 && late < EVENING {
                self.at(late, actor, Deed::Delete { bucket: IMAGES, key });
            }
        }
    }

    /// The versioned bucket: most deletes only hide, some are for good, and one is taken back.
    pub(super) fn archive(&mut self) {
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

    /// S3 removes by itself what a rule says, when its day is over: CloudTrail does not see it,
    /// notifications and access logs do.
    pub(super) fn lifecycle_purge(&mut self) {
        let actor = Actor::ImageService;
        let second = 10 * MINUTE + self.random.u64(..20 * MINUTE);
        let thumbnails: Vec<String> = (0..self.random.usize(70..110))
            .map(|n| format!("cache/2026/thumb-{n:03}.webp"))
            .collect();
        let scans: Vec<String> = (0..6).map(|n| format!("2019/inbox/scan-{n}.tiff")).collect();
        for (n, key) in thumbnails.iter().enumerate() {
            self.upload(n as u64 / 4, actor, IMAGES, key);
        }
        for key in &scans {
            self.upload(MINUTE, Actor::Archivist, ARCHIVE, key);
        }
        self.tell(
            second,
            actor,
            format!(
                "lifecycle rules expire {} thumbnails and hide {} scans, which CloudTrail does \
                 not see",
                thumbnails.len(),
                scans.len()
            ),
        );
        for (n, key) in thumbnails.into_iter().enumerate() {
            self.at(second + n as u64 / 8, actor, Deed::Expire { bucket: IMAGES, key });
        }
        for (n, key) in scans.into_iter().enumerate() {
            let deed = Deed::Expire { bucket: ARCHIVE, key };
            self.at(second + 30 + n as u64, Actor::Archivist, deed);
        }
    }
}
