//! What people read who ask a store with a day of one bucket in it: who removed a key, the list,
//! one removal, one request. The day is acted out in `store::scene`.

use std::collections::BTreeSet;

use super::{Answer, Served, served};
use crate::store::scene::{day, tell};

async fn a_day() -> Served {
    let served = served().await;
    tell(&served.real_store, day()).await;
    served
}

/// A page as somebody reads it who hears it: a line for each paragraph, row, heading and pair.
fn read_aloud(page: &str) -> String {
    let main = page.split_once("<main").map_or(page, |(_, rest)| rest);
    let main = main.split_once("</main>").map_or(main, |(main, _)| main);
    let mut text = String::new();
    for part in main.split('<').skip(1) {
        let (tag, words) = part.split_once('>').unwrap_or((part, ""));
        let name = tag.split([' ', '/']).find(|name| !name.is_empty()).unwrap_or_default();
        match name {
            "p" | "tr" | "h1" | "h2" | "h3" | "li" | "div" | "pre" | "caption" | "section" => {
                text.push('\n');
            }
            "td" | "dd" | "th" if !tag.starts_with('/') => text.push_str(" | "),
            _ => {}
        }
        text.push_str(words);
    }
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    let lines = text.replace("&amp;", "&");
    let lines = lines.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.is_empty() && line != "|").collect::<Vec<_>>().join("\n")
}

/// The part of a page between these words.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let start = text.find(from).unwrap_or_else(|| panic!("no {from} in {text}"));
    text[start..].split(to).next().unwrap_or_default().trim_end()
}

async fn who(served: &Served, pasted: &str) -> String {
    let q: String = form_urlencoded::byte_serialize(pasted.as_bytes()).collect();
    let page = served.get(&format!("/who-deleted?q={q}")).await;
    assert_eq!(page.status, 200, "{}", page.text);
    read_aloud(&page.text)
}

/// Where the links of a page lead that begin so.
fn links<'a>(page: &'a Answer, begin: &str) -> Vec<&'a str> {
    let hrefs = page.text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    hrefs.filter(|href| href.starts_with(begin)).collect()
}

/// The page that a link leads to, as a browser would follow it.
async fn follow(served: &Served, href: &str) -> Answer {
    served.get(href.replace("&amp;", "&").split('#').next().unwrap_or_default()).await
}

#[tokio::test]
async fn who_removed_a_key_is_said_first_in_whatever_form_it_is_pasted() {
    let served = a_day().await;
    let told = who(&served, "s3://photos/cat.jpg").await;
    insta::assert_snapshot!(between(&told, "image-service", "How complete this is"));
    for pasted in [
        "https://photos.s3.eu-west-1.amazonaws.com/cat.jpg?X-Amz-Signature=00",
        "https://eu-west-1.console.aws.amazon.com/s3/object/photos?prefix=cat.jpg",
        "arn:aws:s3:::photos/cat.jpg",
    ] {
        assert_eq!(who(&served, pasted).await, told, "{pasted}");
    }
}

#[tokio::test]
async fn each_kind_of_removal_is_answered_in_a_sentence_and_with_the_way_back() {
    let served = a_day().await;
    let mut answers = String::new();
    for key in ["a.jpg", "old.log", "doc.txt", "banner.webp", "odd\u{1b}[2J, \"key\".tmp"] {
        let told = who(&served, &format!("s3://photos/{key}")).await;
        let told = between(&told, "slash.", "All of the evidence").to_owned();
        answers += &told.replacen("slash.", &format!("\n{}\n", key.escape_default()), 1);
    }
    insta::assert_snapshot!(answers);
}

#[tokio::test]
async fn an_unknown_removal_is_no_silence_but_an_answer() {
    let served = a_day().await;
    let told = who(&served, "s3://photos/master.raw").await;
    insta::assert_snapshot!(between(&told, "No removal", "How complete"));
    let nowhere = who(&served, "s3://never-heard-of/x").await;
    assert!(nowhere.contains("Nothing has ever told of the bucket never-heard-of"), "{nowhere}");
    assert!(nowhere.contains("To change that, log the bucket's S3 data events"), "{nowhere}");
}

#[tokio::test]
async fn a_prefix_is_answered_with_who_removed_how_much_below_it() {
    let served = a_day().await;
    let told = who(&served, "s3://photos/a*").await;
    insta::assert_snapshot!(between(&told, "3 removals", "How complete"));
}

#[tokio::test]
async fn what_names_no_object_is_told_what_may_be_pasted() {
    let served = a_day().await;
    let page = served.get("/who-deleted?q=cat.jpg").await;
    assert_eq!(page.status, 400);
    let told = read_aloud(&page.text);
    assert!(told.contains("\"cat.jpg\" names no bucket: write s3://BUCKET/KEY."), "{told}");
    assert!(told.contains("What you may paste"), "{told}");
}

#[tokio::test]
async fn the_list_is_paged_without_gaps_and_filtered_by_its_url() {
    let served = a_day().await;
    let all = served.get("/deletions").await;
    let all_of = |page: &Answer| -> BTreeSet<String> {
        links(page, "/deletions/").into_iter().map(str::to_owned).collect()
    };
    assert_eq!(all_of(&all).len(), 11);
    let (mut seen, mut pages) = (BTreeSet::new(), 1);
    let mut page = served.get("/deletions?bucket=photos&limit=4").await;
    loop {
        let new = all_of(&page);
        assert!(new.len() <= 4 && seen.is_disjoint(&new));
        seen.extend(new);
        let older = links(&page, "/deletions?").into_iter().find(|href| href.contains("cursor="));
        let Some(older) = older.map(str::to_owned) else { break };
        page = follow(&served, &older).await;
        pages += 1;
    }
    assert_eq!((pages, seen), (3, all_of(&all)));

    for (query, count) in [
        ("bucket=photos&prefix=a", 3),
        ("request_id=BULK", 2),
        ("principal=image-service&since=2026-11-23+08%3A30", 6),
        ("bucket=photos&kind=marker", 1),
        ("only=duplicate", 1),
        ("bucket=photos&only=stale", 1),
        ("only=unconfirmed", 4),
        ("only=provisional", 2),
        ("bucket=elsewhere", 0),
    ] {
        let page = served.get(&format!("/deletions?{query}")).await;
        assert_eq!((page.status, all_of(&page).len()), (200, count), "{query}");
    }
    for bad in ["since=soon", "kind=all", "only=x", "limit=0", "cursor=%20"] {
        assert_eq!(served.get(&format!("/deletions?{bad}")).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn a_list_is_exported_as_it_is_filtered() {
    let served = a_day().await;
    let page = served.get("/deletions?bucket=photos&prefix=a").await;
    let csv = follow(&served, links(&page, "/deletions.csv")[0]).await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert!(csv.header("content-disposition").contains("attachment"));
    assert_eq!(csv.text.lines().count(), 4, "{}", csv.text);
    let json = follow(&served, links(&page, "/deletions.json")[0]).await;
    assert_eq!(json.body["deletions"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn one_removal_shows_all_of_its_evidence_and_leads_to_its_partners() {
    let served = a_day().await;
    let list = served.get("/deletions?request_id=AGAIN").await;
    let again = links(&list, "/deletions/")[0].to_owned();
    let page = follow(&served, &again).await;
    let told = read_aloud(&page.text);
    assert!(told.contains("It repeats an earlier removal at 2026-11-23 08:40:00.000"), "{told}");
    let first = links(&page, "/deletions/").into_iter().find(|href| *href != again).unwrap();
    let first = follow(&served, first).await;
    assert!(read_aloud(&first.text).contains("It was repeated: 2026-11-23 08:40:00.700"));
    assert!(links(&first, "/deletions/").contains(&again.as_str()));

    let list = served.get("/deletions?bucket=photos&prefix=b.jpg").await;
    let bulk = follow(&served, links(&list, "/deletions/")[0]).await;
    insta::assert_snapshot!(between(
        &read_aloud(&bulk.text),
        "How to get it back",
        "The records themselves"
    ));
    for none in ["/deletions/bm90aGluZw", "/deletions/%ff", "/deletions/"] {
        assert_eq!(served.get(none).await.status, 404, "{none}");
    }
}

#[tokio::test]
async fn a_request_tells_its_keys_its_outcome_and_what_is_not_known_of_it() {
    let served = a_day().await;
    let bulk = read_aloud(&served.get("/requests/BULK").await.text);
    insta::assert_snapshot!(between(&bulk, "Request BULK", "How complete"));
    let keyless = read_aloud(&served.get("/requests/KEYLESS").await.text);
    assert!(keyless.contains("Its keys may still be on their way."), "{keyless}");
    let refused = read_aloud(&served.get("/requests/NO").await.text);
    assert!(refused.contains("Outcome | denied"), "{refused}");
    assert!(refused.contains("Error | AccessDenied"), "{refused}");
    let none = served.get("/requests/NEVER%3Cb%3E").await;
    assert!(none.detail().contains("no source tells of a request \"NEVER<b>\""));
}
