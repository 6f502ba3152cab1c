//! What somebody orders to wait, a rule gone wild, and what is foreseen, in the time it takes.

use super::*;

/// Between two requests: 300 a minute.
const REQUEST: Duration = Duration::from_millis(200);

#[tokio::test(start_paused = true)]
async fn what_is_paused_merges_and_goes_when_it_is_resumed_and_is_kept_at_a_stop() {
    let mut bench = Bench::start(Settings::for_tests(), &[]);
    let order = |all: bool, rule: Option<&str>| {
        let rules_paused = rule.map(Arc::from).into_iter().collect();
        bench.orders.send_replace(Arc::new(Orders {
            all_paused: all,
            rules_paused,
            ..Orders::default()
        }));
    };
    order(true, None);
    bench.wish("p", "a", "1").await;
    sleep(Duration::from_secs(60)).await;
    bench.wish("p", "a", "2").await;
    sleep(Duration::from_secs(60)).await;
    order(false, None);
    sleep(Duration::from_secs(1)).await;
    order(false, Some("r"));
    bench.wish("q", "a", "1").await;
    sleep(Duration::from_secs(60)).await;
    bench
        .ends(expect![[r#"
            120.002 c/p {a=2}
            CutOff { left: 1, kept: true } after 181.003"#]])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_runaway_rule_delays_another_by_less_than_two_requests() {
    let merge_window = Settings::for_tests().merge_window;
    for (urgent, max_pending) in [(false, 100_000), (false, 2_000), (true, 2_000)] {
        let settings = Settings { max_pending, ..Settings::for_tests() };
        let bench = Bench::start(settings, &[]);
        bench.api.every(REQUEST);
        let input = bench.input.as_ref().unwrap();
        let (mut matches, mut calm) = (0, Vec::new());
        // Ten matches a millisecond, and now and then one of another rule, at any phase.
        for tick in 0..2_000_u64 {
            for _ in 0..10 {
                let mut wild = bench.observation("p", "a", "1");
                wild.conversation = format!("wild-{matches}").as_str().into();
                wild.wishes[0].rule = Arc::from("wild");
                wild.wishes[0].urgent = urgent;
                input.send(Input::Observe(wild)).await.unwrap();
                matches += 1;
            }
            if tick % 611 == 500 {
                let mut one = bench.observation("p", "a", "1");
                one.conversation = format!("calm-{}", calm.len()).as_str().into();
                one.wishes[0].rule = Arc::from("calm");
                input.send(Input::Observe(one)).await.unwrap();
                calm.push(bench.start.elapsed());
            }
            sleep(Duration::from_millis(1)).await;
        }
        sleep(2 * REQUEST + merge_window).await;
        assert_eq!((matches, calm.len()), (20_000, 3));
        let log = bench.push.log.lock().unwrap().clone();
        for (n, wished) in calm.iter().enumerate() {
            let line = log.iter().find(|line| line.contains(&format!(" calm-{n}/")));
            let line = line.unwrap_or_else(|| panic!("calm-{n} was not pushed: {log:?}"));
            let (at, _) = line.split_once(' ').unwrap();
            let after = Duration::from_secs_f64(at.parse().unwrap()) - *wished;
            // Every update waits for its merge window, whoever else there is.
            let delay = after.saturating_sub(merge_window);
            assert!(delay < 2 * REQUEST, "urgent {urgent}: calm-{n} waited for {delay:?}");
        }
        assert!(log.len() >= 11, "the budget is used: {log:?}");
        bench.task.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn that_what_waits_will_not_go_in_time_is_known_early_and_by_whom() {
    let bench = Bench::start(Settings::for_tests(), &[]);
    bench.api.every(REQUEST);
    let mut outlook = bench.outlook.clone();
    let late = async {
        outlook.wait_for(|it| it.late).await.unwrap();
        (bench.start.elapsed(), outlook.borrow().clone())
    };
    let crowd = async {
        for n in 0.. {
            let mut one = bench.observation("p", "a", "1");
            one.conversation = format!("c-{n}").as_str().into();
            one.wishes[0].rule = Arc::from(if n % 4 == 0 { "few" } else { "many" });
            bench.observe(one).await;
            sleep(Duration::from_millis(99)).await;
        }
    };
    let (told, seen) = tokio::select! {
        late = late => late,
        () = crowd => unreachable!("it never ends"),
    };
    assert!(told < Duration::from_secs(300), "{told:?}");
    assert_eq!(seen.empties_in, None);
    let rules: Vec<&str> = seen.rules.iter().map(|(rule, _)| &**rule).collect();
    assert_eq!(rules, ["many"], "the few are served as they come");
    bench.task.abort();
}
