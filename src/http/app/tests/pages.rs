//! What every page is answered with, whatever it shows.

use super::{Answer, served, served_with_token};

const HTML: &str = "accept: text/html,application/xhtml+xml,*/*;q=0.8";

/// The URL that follows `before` in a page.
fn url_after<'a>(page: &'a Answer, before: &str) -> &'a str {
    let (_, rest) = page.text.split_once(before).unwrap_or_else(|| panic!("no {before}"));
    rest.split('"').next().unwrap()
}

#[tokio::test]
async fn a_page_may_load_its_own_files_and_nothing_else() {
    let served = served().await;
    let page = served.get("/findings").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(
        page.header("content-security-policy"),
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    assert_eq!(page.header("referrer-policy"), "same-origin");
    assert_eq!(page.header("cache-control"), "no-store");
    for inline in ["style=", "<style", "onclick", "javascript:", "://"] {
        assert!(!page.text.contains(inline), "{inline}");
    }
}

#[tokio::test]
async fn style_and_script_are_kept_for_ever_under_a_name_of_their_content() {
    let served = served_with_token("correct-horse-battery").await;
    let page = served.get("/login").await;
    for (before, media_type) in [
        ("rel=\"stylesheet\" href=\"", "text/css; charset=utf-8"),
        ("<script src=\"", "text/javascript; charset=utf-8"),
        ("rel=\"icon\" href=\"", "image/svg+xml"),
    ] {
        let url = url_after(&page, before);
        let asset = served.get(url).await;
        assert_eq!((asset.status, asset.header("content-type")), (200, media_type), "{url}");
        assert_eq!(asset.header("cache-control"), "public, max-age=31536000, immutable");
        let hash = url.rsplit_once('-').and_then(|(_, rest)| rest.split('.').next()).unwrap();
        assert_eq!(hash.len(), 12, "{url}");
        let older = url.replace(hash, "0123456789ab");
        assert_eq!(served.get(&older).await.status, 404, "{older}");
    }
    for file in ["/assets/", "/assets/page.css", "/assets/..%2Fmod.rs"] {
        assert_eq!(served.get(file).await.status, 404, "{file}");
    }
}

#[tokio::test]
async fn a_browser_is_told_in_a_page_what_a_program_is_told_in_json() {
    let served = served().await;
    for (path, status, words) in [
        ("/nothing/here%3Cb%3E", 404, "There is nothing at /nothing/here%3Cb%3E"),
        ("/findings/0123456789abcdef", 404, "There is no finding"),
        ("/findings?since=soon%3Cb%3E", 400, "since &quot;soon&lt;b&gt;&quot; is no time"),
    ] {
        let request = format!("GET {path} HTTP/1.1");
        let page = served.ask(&request, &[HTML], b"").await;
        assert_eq!(
            (page.status, page.header("content-type")),
            (status, "text/html; charset=utf-8")
        );
        assert!(page.text.to_lowercase().contains(&words.to_lowercase()), "{}", page.text);
        assert!(page.header("content-security-policy").contains("style-src 'self'"));
        let json = served.get(path).await;
        assert_eq!(json.status, status);
        assert!(!json.detail().is_empty());
    }
    let api = served.ask("GET /api/v1/nothing HTTP/1.1", &[HTML], b"").await;
    assert!(api.detail().contains("/api/v1/nothing"), "{}", api.text);
    let elsewhere = served.ask("GET / HTTP/1.1", &[HTML, "host: evil.example"], b"").await;
    assert_eq!(elsewhere.status, 403);
    assert!(elsewhere.text.contains("Not allowed"), "{}", elsewhere.text);
}

#[tokio::test]
async fn pages_are_sent_compressed_to_whoever_takes_that() {
    let served = served().await;
    let mut stream = served.open("GET /findings HTTP/1.1", &["accept-encoding: gzip"]).await;
    let mut bytes = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut bytes).await.unwrap();
    let head = String::from_utf8_lossy(&bytes).to_lowercase();
    assert!(head.contains("content-encoding: gzip"), "{head}");
}

#[tokio::test]
async fn a_list_is_given_as_a_file_by_the_same_filters() {
    let served = served().await;
    let csv = served.get("/findings.csv?severity=critical&since=7d&bucket=").await;
    assert_eq!(
        (csv.status, csv.header("content-type")),
        (200, "text/csv; charset=utf-8; header=present")
    );
    assert_eq!(csv.header("content-disposition"), "attachment; filename=\"findings.csv\"");
    assert!(csv.text.starts_with("id,detector,severity,"), "{}", csv.text);
    let json = served.get("/findings.json?since=7d").await;
    assert_eq!((json.status, &json.body["findings"]), (200, &serde_json::json!([])));
    assert_eq!(served.get("/findings.csv?since=soon").await.status, 400);
}

#[tokio::test]
async fn every_page_is_whole_while_the_store_knows_nothing() {
    let served = served().await;
    for path in ["/", "/?since=28d", "/?bucket=images", "/findings", "/sources", "/login"] {
        let page = served.get(path).await;
        assert!([200, 303].contains(&page.status), "{path}: {}", page.text);
        assert_eq!(page.text.ends_with("</html>"), page.status == 200, "{path}");
    }
}
