//! The daemon's lives: it begins, is killed at any point, and begins again over the same disk and
//! the same directory.

use std::sync::Arc;
use std::time::Duration;

use attributed::app::Ended;
use attributed::machine;
use attributed::status::counts::Counts;
use tokio::time::sleep;

use crate::scene::{Death, Scene};

/// What the daemon was given so shortly before it died, it may not have taken in, or not have written
/// down: the disk may fail for half of it.
const UNSURE: Duration = Duration::from_secs(2);
/// Until all that belonged to it is gone, too.
const A_MOMENT: Duration = Duration::from_millis(1);

/// Lives, again and again, until it is told to stop.
pub(crate) async fn live(scene: &Scene, counts: &Arc<Counts>) -> Ended {
    let mut told = String::new();
    loop {
        let death = tokio::select! {
            biased;
            death = scene.death() => death,
            ended = life(scene, counts, &mut told) => return ended,
        };
        scene.daemon_is_gone();
        bury(scene, death).await;
    }
}

async fn life(scene: &Scene, counts: &Arc<Counts>, told: &mut String) -> Ended {
    let app = match scene.daemon(counts).begin().await {
        Ok(app) => app,
        Err(ended) => return ended,
    };
    let mut rules = app.rules_text();
    let follow_rules = async {
        loop {
            let text = rules.borrow_and_update().clone();
            if text != *told {
                scene.simulator.rules(&text).unwrap();
                *told = text;
            }
            if rules.changed().await.is_err() {
                return std::future::pending::<()>().await;
            }
        }
    };
    let mut watching = app.watching();
    let follow_watching = async {
        loop {
            let users = watching.borrow_and_update().users.clone();
            // Until the directory has been asked, nobody is looked at.
            if !users.is_empty() {
                let ids = users.iter().map(ToString::to_string).collect();
                scene.simulator.client_watches(ids);
            }
            if watching.changed().await.is_err() {
                return std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        biased;
        () = follow_watching => unreachable!("they are followed for ever"),
        () = follow_rules => unreachable!("they are followed for ever"),
        ended = app.run() => ended,
    }
}

/// Nothing is written any more, what was not synced is lost, and nobody is there for a while.
async fn bury(scene: &Scene, Death { down, mut dice }: Death) {
    sleep(A_MOMENT).await;
    scene.disk.lose_power(&mut dice);
    scene.simulator.client_died(machine::now() - UNSURE);
    scene.trace.note(format!("* nobody is there for {} ms", down.as_millis()));
    sleep(down).await;
}
