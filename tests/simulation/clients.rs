//! Two clients instead of one, of which now and then one is refused for some minutes: by its
//! credentials, or with a 403 for whatever it writes, subscribes to or reads.

use std::time::Duration;

use attributed::simulator::{ClientChange, Credentials, Permissions};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::{Instant, sleep};

use crate::scene::Scene;

const STREAM: u64 = 0x636c_6965;
/// Both, with their secrets; the first is the one of every hour.
pub(crate) const BOTH: [(&str, &str); 2] = [("demo", "demo"), ("second", "other")];
/// Between two refusals, and how long each lasts, in seconds.
const WELL: std::ops::Range<u64> = 120..600;
const REFUSED: std::ops::Range<u64> = 20..240;

/// The client that single hours do not have.
pub(crate) fn second() -> Credentials {
    let [_, (id, secret)] = BOTH;
    Credentials { client_id: id.to_owned(), secret: secret.to_owned(), requests: None }
}

/// `[genesys]` for both.
pub(crate) fn configuration() -> String {
    let one = |(id, _): (&str, &str)| {
        format!(
            "[[genesys.client]]\nclient_id = \"{id}\"\nclient_secret_file = \"secret-of-{id}\"\n"
        )
    };
    BOTH.map(one).concat()
}

/// Refuses one or the other, never both, for so long; then both work.
pub(crate) async fn refuse_now_and_then(scene: &Scene, seed: u64, length: Duration) {
    let mut dice = StdRng::seed_from_u64(seed ^ STREAM);
    let ends = Instant::now() + length;
    loop {
        let well = Duration::from_secs(dice.random_range(WELL));
        if Instant::now() + well >= ends {
            return;
        }
        sleep(well).await;
        let (id, secret) = BOTH[dice.random_range(0..2)];
        let client = id.to_owned();
        let nothing = Permissions {
            topics: vec!["*".to_owned()],
            operations: vec!["* /api/v2/conversations".to_owned()],
            ..Permissions::default()
        };
        let (refused, mended) = if dice.random_bool(0.7) {
            scene.note("credentials refused");
            let wrong = Some("wrong".to_owned());
            (
                ClientChange {
                    client: client.clone(),
                    secret: wrong,
                    revoke: true,
                    ..ClientChange::default()
                },
                ClientChange { client, secret: Some(secret.to_owned()), ..ClientChange::default() },
            )
        } else {
            scene.note("everything forbidden");
            let all = Some(Permissions::default());
            (
                ClientChange {
                    client: client.clone(),
                    permissions: Some(nothing),
                    ..ClientChange::default()
                },
                ClientChange { client, permissions: all, ..ClientChange::default() },
            )
        };
        scene.simulator.change_client(&refused);
        sleep(Duration::from_secs(dice.random_range(REFUSED))).await;
        scene.simulator.change_client(&mended);
        scene.note("client mended");
    }
}
