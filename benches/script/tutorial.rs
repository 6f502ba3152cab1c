//! The tutorial's script: `safe_update_attributes` for each change, one after the other.

use std::time::Duration;

use attributed::genesys::outside::Outside as _;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep};

use crate::way::Way;
use crate::{Calls, LENGTH, conversation};

pub(crate) struct Script<'a> {
    pub(crate) way: &'a Way,
    pub(crate) calls: &'a Calls,
}

impl Script<'_> {
    /// Returns how many updates it believes to have made.
    pub(crate) async fn run(&self, changes: u64) -> u64 {
        let end = Instant::now() + LENGTH;
        let updates = async {
            let token = self.token().await;
            loop {
                let next = self.calls.waiting.lock().unwrap().pop_front();
                match next {
                    Some((number, value)) => self.update(&token, number, value).await,
                    None => sleep(Duration::from_millis(10)).await,
                }
            }
        };
        tokio::select! {
            biased;
            () = self.calls.come(changes, end) => {}
            () = updates => {}
        }
        self.way.told()
    }

    /// `get_access_token`: it lives for longer than this.
    async fn token(&self) -> String {
        let request = Request::post("http://localhost/oauth/token")
            // demo:demo
            .header(header::AUTHORIZATION, "Basic ZGVtbzpkZW1v")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from_static(b"grant_type=client_credentials"));
        let answer = self.way.send(request.unwrap(), LENGTH).await.unwrap();
        let answer: Value = serde_json::from_slice(answer.body()).unwrap();
        format!("Bearer {}", answer["access_token"].as_str().unwrap())
    }

    /// Fetches the participant, merges the new attributes into the old, and puts all of them. The
    /// tutorial sleeps and tries again once where the PUT is answered 429, and gives the update up
    /// where the GET is; here it sleeps then, too, which is kind.
    async fn update(&self, token: &str, number: usize, value: String) {
        let get = self.call(token, Method::GET, number, None).await;
        if get.status() != StatusCode::OK {
            return;
        }
        let participant: Value = serde_json::from_slice(get.body()).unwrap();
        let mut attributes = participant["attributes"].as_object().cloned().unwrap_or(Map::new());
        attributes.insert("cc.copy".to_owned(), Value::String(value));
        attributes.insert("cc.desk".to_owned(), json!("service"));
        let body = json!({ "attributes": attributes });
        let _put = self.call(token, Method::PUT, number, Some(&body)).await;
    }

    async fn call(
        &self,
        token: &str,
        method: Method,
        number: usize,
        body: Option<&Value>,
    ) -> Response<Bytes> {
        let answer = self.attempt(token, &method, number, body).await;
        if answer.status() != StatusCode::TOO_MANY_REQUESTS {
            return answer;
        }
        let after = answer.headers().get(header::RETRY_AFTER);
        let after = after.and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(1);
        sleep(Duration::from_secs(after)).await;
        self.attempt(token, &method, number, body).await
    }

    async fn attempt(
        &self,
        token: &str,
        method: &Method,
        number: usize,
        body: Option<&Value>,
    ) -> Response<Bytes> {
        let request = Request::builder()
            .method(method)
            .uri(format!(
                "http://localhost/api/v2/conversations/{}/participants/customer",
                conversation(number)
            ))
            .header(header::AUTHORIZATION, token)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string())));
        self.way.send(request.unwrap(), LENGTH).await.unwrap()
    }
}
