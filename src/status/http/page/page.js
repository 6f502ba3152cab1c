// The status page. It listens to /events and shows what comes; it asks for nothing else and changes
// nothing. Whatever comes is text: no name, key or reason ever becomes markup.
'use strict';

const SVG = 'http://www.w3.org/2000/svg';
// An event comes every two seconds at the least.
const OLD_AFTER_MS = 5000;
// The browser gives up where it was refused, which may pass.
const AGAIN_MS = 3000;

const FLOW = [
  ['frames', 'Frames', (flow) => `${count(flow.frames)} since the start`],
  ['snapshots', 'Snapshots', (flow) => `${count(flow.snapshots)} since the start`],
  ['matches', 'Matches', (flow) => `${count(flow.matches)} since the start`],
  ['written', 'Updates (keys)', (flow) =>
    `${count(flow.written)} written, ${count(flow.wished)} wished, ${count(flow.failed)} failed`],
  ['requests', 'Requests', (flow) => `${count(flow.requests)} since the start`],
];

const numbers = new Intl.NumberFormat('en');
const $ = (id) => document.getElementById(id);
let newest = null;
let heardAt = performance.now();
let announced = '';

// Words.

const count = (n) => numbers.format(n);
const many = (n, one) => `${count(n)} ${one}${n === 1 ? '' : 's'}`;
const rate = (n) => (n >= 100 ? count(Math.round(n)) : n.toFixed(1));
const since = (at) => (at === null ? null : Math.max(0, (newest.overview.at - at) / 1000));
const ago = (at) => (at === null ? '–' : lasting(since(at)));

function lasting(seconds) {
  const s = Math.floor(seconds);
  const part = (n, unit) => `${Math.floor(n)}\u00a0${unit}`;
  const two = (whole, unit, rest, lesser) => part(whole, unit) + (rest >= 1 ? ` ${part(rest, lesser)}` : '');
  if (s < 60) return part(s, 's');
  if (s < 600) return two(s / 60, 'min', s % 60, 's');
  if (s < 3600) return part(s / 60, 'min');
  if (s < 86400) return two(s / 3600, 'h', (s % 3600) / 60, 'min');
  return two(s / 86400, 'd', (s % 86400) / 3600, 'h');
}

function clock(at) {
  const pad = (n) => String(n).padStart(2, '0');
  const time = new Date(at);
  const today = new Date(newest.overview.at).toDateString() === time.toDateString();
  const day = `${time.getFullYear()}-${pad(time.getMonth() + 1)}-${pad(time.getDate())} `;
  return `${today ? '' : day}${pad(time.getHours())}:${pad(time.getMinutes())}:${pad(time.getSeconds())}`;
}

// Nodes. Only what has changed is touched, so that a selection and a screen reader's place stay.

function text(node, words) {
  if (node.textContent !== words) node.textContent = words;
}

function attribute(node, name, value) {
  if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

function mark(node, state) {
  if (state) attribute(node, 'data-state', state);
  else node.removeAttribute('data-state');
}

function add(parent, tag, className) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  parent.append(node);
  return node;
}

function draw(parent, tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  parent.append(node);
  return node;
}

// As many children as items: made once, brought up to date each time.
function fill(parent, items, make, show) {
  while (parent.children.length > items.length) parent.lastElementChild.remove();
  while (parent.children.length < items.length) make(parent);
  items.forEach((item, at) => show(parent.children[at], item, at));
}

// Each column is [how to get its cell, class]; a cell is a text, or { words, state, badge }.
function rows(id, items, columns) {
  const table = $(id);
  const labels = Array.from(table.tHead.rows[0].cells, (cell) => cell.textContent);
  const make = (body) => {
    const row = add(body, 'tr');
    columns.forEach(([, className], at) => {
      const cell = add(row, at === 0 ? 'th' : 'td', className);
      if (at === 0) cell.scope = 'row';
      else cell.dataset.label = labels[at];
      add(cell, 'span');
    });
  };
  fill(table.tBodies[0], items, make, (row, item) => {
    columns.forEach(([get], at) => {
      const got = get(item);
      const cell = typeof got === 'string' ? { words: got } : got;
      const shown = row.cells[at].firstChild;
      text(shown, cell.words);
      attribute(shown, 'class', cell.badge ? 'badge' : '');
      mark(shown, cell.badge ? cell.state : '');
      mark(row.cells[at], cell.badge ? '' : cell.state);
    });
  });
  table.classList.toggle('empty', items.length === 0);
  const none = table.parentElement.querySelector('.none');
  if (none) none.hidden = items.length > 0;
}

// What is shown.

function verdict({ verdict: { state, words }, sentence, checks, ready }) {
  attribute($('verdict'), 'data-state', state);
  text($('words'), words);
  text($('sentence'), sentence);
  const order = { failed: 0, warning: 1 };
  const troubles = checks.filter((check) => check.state !== 'good');
  troubles.sort((a, b) => order[a.state] - order[b.state]);
  const make = (list) => {
    const item = add(list, 'li');
    add(item, 'span', 'badge');
    item.append(' ');
    add(item, 'strong');
    add(item, 'span', 'reason');
    add(item, 'span', 'help');
  };
  fill($('troubles'), troubles, make, (item, check) => {
    const [badge, name, reason, help] = item.children;
    mark(badge, check.state);
    text(badge, check.state);
    text(name, check.name);
    text(reason, `: ${check.reason}`);
    text(help, check.help ? `What to do: ${check.help}` : '');
  });
  rows('checks', checks, [
    [(check) => check.name, ''],
    [(check) => ({ words: check.state, state: check.state, badge: true }), ''],
    [(check) => check.reason, 'long'],
    [(check) => check.help || 'nothing', 'long'],
  ]);
  text($('all-checks'), `All ${checks.length} checks${ready ? '' : ' (not ready)'}`);
  text(document.querySelector('title'), `${words} – attributed`);
  // Numbers change every second; a screen reader is told when something else does.
  const names = troubles.map((check) => `${check.name} ${check.state}`).join(', ');
  announce(names ? `${words}: ${names}` : words);
}

function announce(words) {
  if (words === announced) return;
  announced = words;
  text($('said'), words);
}

function flow({ flow: totals, history }) {
  const make = (list) => {
    const item = add(list, 'li');
    add(item, 'h3');
    const figure = add(item, 'p', 'rate');
    add(figure, 'span');
    text(add(figure, 'small'), ' /s');
    add(item, 'p', 'total');
    const picture = add(item, 'div', 'picture');
    const size = { viewBox: '0 0 240 48', preserveAspectRatio: 'none', role: 'img' };
    const chart = draw(picture, 'svg', size);
    draw(chart, 'path', { class: 'area' });
    draw(chart, 'path', { class: 'line' });
    const axis = add(picture, 'p', 'axis');
    add(axis, 'span');
    add(axis, 'span');
  };
  fill($('flow'), FLOW, make, (item, [name, title, total]) => {
    const [head, figure, sum, picture] = item.children;
    const steps = history[name].map((n) => n / history.step_seconds);
    const now = history.now[name];
    const values = [...steps, now];
    const most = Math.max(...values);
    text(head, title);
    text(figure.firstChild, rate(now));
    text(sum, total(totals));
    const [chart, axis] = picture.children;
    const reach = steps.length * history.step_seconds;
    const words = `${title} a second over the last ${lasting(reach)}: at most ${rate(most)}, now ${rate(now)}`;
    attribute(chart, 'aria-label', words);
    const x = (at) => (values.length > 1 ? (at * 240) / (values.length - 1) : 240);
    const y = (n) => 47 - (n * 44) / Math.max(most, 0.1);
    const points = values.map((n, at) => `${x(at).toFixed(1)} ${y(n).toFixed(1)}`);
    const [area, line] = chart.children;
    attribute(line, 'd', values.length > 1 ? `M${points.join('L')}` : `M0 ${y(now)}H240`);
    attribute(area, 'd', values.length > 1 ? `M0 48L${points.join('L')}L240 48Z` : '');
    text(axis.firstChild, reach > 0 ? `${lasting(reach)} ago` : 'begins');
    text(axis.lastChild, `most ${rate(most)}`);
  });
}

function budget({ accounts, updates }) {
  const make = (list) => {
    const item = add(list, 'li');
    const gauge = draw(item, 'svg', { viewBox: '0 0 120 76', role: 'img' });
    const arc = { d: 'M12 64A48 48 0 0 1 108 64', pathLength: 100 };
    for (const part of ['track', 'ours', 'others']) {
      draw(gauge, 'path', { ...arc, class: `gauge ${part}`, 'stroke-dasharray': '0 200' });
    }
    gauge.firstChild.setAttribute('stroke-dasharray', '100 200');
    draw(gauge, 'text', { class: 'figure', x: 60, y: 56 });
    draw(gauge, 'text', { class: 'unit', x: 60, y: 70 });
    add(item, 'h3');
    add(item, 'p');
    add(item, 'p');
    add(item, 'p', 'trouble');
  };
  fill($('budget'), accounts, make, (item, account) => {
    const [gauge, name, others, token, trouble] = item.children;
    const { used, foreign, allowed } = account;
    const share = (n) => (allowed > 0 ? Math.min(100, (n * 100) / allowed) : 0);
    const ours = share(Math.max(0, used - foreign));
    const theirs = Math.min(100 - ours, share(foreign));
    const [, first, second, figure, unit] = gauge.children;
    attribute(first, 'stroke-dasharray', `${ours.toFixed(1)} 200`);
    attribute(second, 'stroke-dasharray', `0 ${ours.toFixed(1)} ${theirs.toFixed(1)} 200`);
    text(figure, count(used));
    text(unit, `of ${count(allowed)} requests`);
    const words = `${count(used)} of ${count(allowed)} requests used in this window, ${count(foreign)} of them by other programs`;
    attribute(gauge, 'aria-label', `Client ${account.client}: ${words}`);
    text(name, `Client ${account.client}`);
    const ends = account.window_ends_in;
    const window = ends === null ? 'the window is not known yet' : `the window ends in ${lasting(ends)}`;
    text(others, `${count(foreign)} by other programs; ${window}`);
    const expires = account.token_expires_at;
    const valid = expires !== null && expires > newest.overview.at;
    text(token, valid ? `token valid for ${lasting(-(newest.overview.at - expires) / 1000)}` : 'there is no token');
    const rests = account.resting_for === null ? '' : `429: it rests for ${lasting(account.resting_for)}. `;
    text(trouble, rests + (account.token_problem ? `No token: ${account.token_problem}` : ''));
  });
  const oldest = updates.oldest_at === null ? '' : `, the oldest for ${ago(updates.oldest_at)}`;
  const empty = updates.waiting > 0 ? `; empty in about ${lasting(updates.seconds_to_empty)}` : '';
  text($('outbox'), `${many(updates.waiting, 'participant')} of at most ${count(updates.capacity)} in the outbox${oldest}${empty}; ${many(updates.in_flight, 'request')} under way`);
}

function channels({ channels: { each, topics, uncovered_since: uncovered }, gaps }) {
  const heard = `${count(topics.permitted)} of ${many(topics.wanted, 'topic')} permitted`;
  const parts = [
    uncovered === null ? '' : `Some topics have been on no channel for ${ago(uncovered)}.`,
    gaps.open > 0 ? `${many(gaps.open, 'gap')} open, the oldest for ${ago(gaps.oldest_since)}.` : '',
    gaps.not_permitted ? 'It may not be asked which conversations are open.' : '',
    topics.rejected > 0 ? `${many(topics.rejected, 'topic')} rejected.` : '',
    topics.without_room > 0 ? `${many(topics.without_room, 'topic')} without room.` : '',
  ];
  const troubles = parts.filter((part) => part !== '');
  text($('gaps'), `${troubles.length > 0 ? troubles.join(' ') : 'No gap is open.'} ${heard}.`);
  const left = (channel) => channel.expires_at - newest.overview.at;
  rows('channels', each, [
    [(channel) => `Channel ${channel.number}`, ''],
    [(channel) => (channel.connected
      ? { words: 'connected', state: 'good', badge: true }
      : { words: 'lost', state: 'failed', badge: true }), ''],
    [(channel) => ago(channel.connected_at), 'number'],
    [(channel) => ago(channel.last_frame_at), 'number'],
    [(channel) => count(channel.topics), 'number'],
    [(channel) => count(channel.gaps), 'number'],
    [(channel) => lasting(channel.unheard_ms / 1000), 'number'],
    [(channel) => (channel.expires_at === null ? '–' : lasting(Math.max(0, left(channel)) / 1000)), 'number'],
  ]);
}

function mode(rule, dryRun) {
  if (rule.paused) return { words: 'paused', state: 'warning', badge: true };
  if (dryRun || rule.dry_run) return { words: 'dry run', state: 'warning', badge: true };
  return { words: 'writes', state: 'good', badge: true };
}

function rules({ rules: { each, count: all }, dry_run: dryRun }) {
  const more = all - each.length;
  text($('rules-more'), `${many(all, 'rule')} in force, counted since the start${more > 0 ? `; the last ${count(more)} of the file are not listed` : ''}.`);
  const bad = (n) => ({ words: count(n), state: n > 0 ? 'warning' : '' });
  rows('rules', each, [
    [(rule) => rule.name, ''],
    [(rule) => mode(rule, dryRun), ''],
    [(rule) => count(rule.matches), 'number'],
    [(rule) => count(rule.written), 'number'],
    [(rule) => bad(rule.failed), 'number'],
    [(rule) => bad(rule.errors), 'number'],
    [(rule) => (rule.last_match_at === null ? 'never' : `${ago(rule.last_match_at)} ago`), 'number'],
  ]);
}

const keys = (of) => of.keys.join(', ') + (of.more_keys > 0 ? ` and ${count(of.more_keys)} more` : '');

function updates({ latest, letters, updates: { dead_letters: kept } }) {
  rows('latest', latest, [
    [keys, ''],
    [({ outcome, status }) => ({
      words: status === null ? outcome : `${outcome} (${status})`,
      state: outcome === 'accepted' ? 'good' : 'failed',
      badge: true,
    }), ''],
    [(update) => update.rule, ''],
    [(update) => clock(update.at), 'number'],
  ]);
  text($('letters-hint'), kept > 0 ? `${many(kept, 'dead letter')} kept. “attributed dead-letters list” says which and why.` : '');
  $('letters-hint').hidden = kept === 0;
  rows('letters', letters, [
    [(letter) => letter.reason, ''],
    [(letter) => count(letter.kept), 'number'],
    [(letter) => letter.keys.join(', '), ''],
  ]);
}

function reload({ rules: now, configuration, reload_tried_at: tried }) {
  const when = (at) => `${clock(at)} (${ago(at)} ago)`;
  const lines = [
    ['Last tried', tried === null ? 'not since the start' : when(tried), ''],
    ['Rules file', now.problem === null ? 'as in force' : `refused, earlier rules are in force: ${now.problem}`,
      now.problem === null ? '' : 'failed'],
    ['In force', `${many(now.count, 'rule')} (${now.hash}) since ${when(now.loaded_at)}`, ''],
    ['Configuration', configuration.problem === null
      ? `in force (${configuration.hash}) since ${when(configuration.loaded_at)}`
      : `refused, the earlier one is in force: ${configuration.problem}`, configuration.problem === null ? '' : 'failed'],
  ];
  if (now.rolled_back !== null) lines.push(['Stepped back', `to ${now.rolled_back}`, 'warning']);
  if (now.unconfirmed_writes !== null) {
    lines.push(['Not confirmed', `${many(now.unconfirmed_writes, 'write')} wait for “attributed reload --confirm”`, 'warning']);
  }
  for (const [list, why] of now.lists_refused) lines.push([`List ${list}`, `refused, the earlier one is in force: ${why}`, 'failed']);
  const words = lines.flatMap(([name, value, state]) => [['dt', name, ''], ['dd', value, state]]);
  const list = $('reload');
  const make = (parent) => add(parent, parent.children.length % 2 === 0 ? 'dt' : 'dd');
  fill(list, words, make, (node, [, value, state]) => {
    text(node, value);
    mark(node, state);
  });
}

function show() {
  const { overview } = newest;
  const paused = overview.paused.length > 0 ? `; paused: ${overview.paused.join(', ')}` : '';
  text($('about'), `version ${overview.version}, up ${ago(overview.started_at)}${overview.dry_run ? ', dry run' : ''}${paused}`);
  verdict(newest);
  flow(overview);
  budget(overview);
  channels(overview);
  rules(overview);
  updates(overview);
  reload(overview);
}

// The connection.

function freshness() {
  const isOld = performance.now() - heardAt > OLD_AFTER_MS;
  document.body.classList.toggle('is-old', isOld);
  $('cut').hidden = !isOld;
  if (isOld) {
    const words = newest === null
      ? 'Nothing was heard from the service yet. Trying again …'
      : `No news since ${clock(newest.overview.at)}. What is shown here may be wrong by now. Trying again …`;
    text($('cut'), words);
    attribute($('news'), 'data-state', 'failed');
    text($('news'), 'no news');
    announce(words);
  } else if (newest !== null) {
    attribute($('news'), 'data-state', 'good');
    text($('news'), `live, ${clock(newest.overview.at)}`);
  }
}

function listen() {
  const events = new EventSource('events');
  events.onmessage = (event) => {
    const told = JSON.parse(event.data);
    // An app that hangs says the same again and again.
    if (newest === null || told.overview.at !== newest.overview.at) heardAt = performance.now();
    newest = told;
    show();
    freshness();
  };
  events.onerror = () => {
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN_MS);
  };
}

listen();
setInterval(freshness, 1000);
