// Draws the next token of each row's slot from softmax(logits / T) by inverse CDF with one Philox uniform, or takes the argmax
// at T = 0 (lowest id wins ties). Writes the token, its log-probability, and advances the slot: position, count, stop.
// Only tokens with e = exp((logit - max) / T) of at least a threshold can be drawn: the largest that at least top_k tokens reach, then the
// largest whose tokens hold top_p of the mass of those (nucleus sampling, Holtzman 2020), and min_p. Tokens alike in e stay or go together.
// The log-probability is that under temperature alone.
// logits: [R, V], row_slots: [R] (0xffffffff: skip). One workgroup per row; sums are taken in lane order.
// slot_state: [slots, SLOT_WORDS] words = next id, position, active, count, max new, seed low, seed high, query, sample, version,
//   temperature (f32), stop 0..3, reason (1 stop, 2 length), top_k (0: all), top_p (f32, 1: all), min_p (f32, 0: all), unused.
// out_tokens: [slots, LIMIT, 2] = id, log-probability (f32) of the k-th new token, k < LIMIT. Constants: V, LIMIT, SLOT_WORDS.
// #include "flat"
// #include "philox"
struct Params { rows: u32 }
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> row_slots: array<u32>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read_write> slot_state: array<u32>;
@group(0) @binding(4) var<storage, read_write> ids: array<u32>;
@group(0) @binding(5) var<storage, read_write> positions: array<u32>;
@group(0) @binding(6) var<storage, read_write> slots: array<u32>;
@group(0) @binding(7) var<storage, read_write> out_tokens: array<vec2u>;
@group(0) @binding(8) var<uniform> params: Params;

const LANES = 32u;
const STRIDE = (V + LANES - 1u) / LANES;
var<workgroup> lane_value: array<f32, LANES>;
var<workgroup> lane_index: array<u32, LANES>;
var<workgroup> lane_sum: array<f32, LANES>;
var<workgroup> is_active: u32;
var<workgroup> lane_count: array<u32, LANES>;
var<workgroup> filters: vec3f;

struct Reach { count: u32, mass: f32 }
var<workgroup> reached: Reach;

/// How many tokens reach a threshold, and their mass. Uniform: every lane gets the same.
fn reach(at_row: u32, first: u32, end: u32, scale: f32, m: f32, threshold: f32, lane: u32) -> Reach {
  var count = 0u;
  var mass = 0.0;
  for (var i = first; i < end; i++) {
    let e = exp(logits[at_row + i] * scale - m);
    if (e >= threshold) { count += 1u; mass += e; }
  }
  workgroupBarrier();
  lane_count[lane] = count;
  lane_sum[lane] = mass;
  workgroupBarrier();
  if (lane == 0u) {
    reached = Reach(0u, 0.0);
    for (var i = 0u; i < LANES; i++) { reached.count += lane_count[i]; reached.mass += lane_sum[i]; }
  }
  return workgroupUniformLoad(&reached);
}

/// The largest threshold in (0, 1] that at least `count` tokens with at least `mass` reach: found bit by bit, since positive floats are
/// ordered as their bits are.
fn threshold_of(at_row: u32, first: u32, end: u32, scale: f32, m: f32, count: u32, mass: f32, lane: u32) -> f32 {
  var bits = 0u;
  for (var bit = 29; bit >= 0; bit--) {
    let next = bits | (1u << u32(bit));
    if (next > 0x3f800000u) { continue; }
    let found = reach(at_row, first, end, scale, m, bitcast<f32>(next), lane);
    if (found.count >= count && found.mass >= mass) { bits = next; }
  }
  return bitcast<f32>(bits);
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = flat_workgroup(group, groups);
  if (row >= min(params.rows, counts[1])) { return; }
  let slot = row_slots[row];
  if (slot == 0xffffffffu) { return; }
  let state = slot * SLOT_WORDS;
  // The slot's state is written below, so the compiler needs to be shown that all lanes see the same flag.
  if (lane.x == 0u) {
    is_active = slot_state[state + 2u];
    filters = vec3f(f32(slot_state[state + 16u]), bitcast<f32>(slot_state[state + 17u]), bitcast<f32>(slot_state[state + 18u]));
  }
  if (workgroupUniformLoad(&is_active) == 0u) { return; }
  let filter_by = workgroupUniformLoad(&filters);
  let temperature = bitcast<f32>(slot_state[state + 10u]);
  let greedy = temperature <= 0.0;
  let scale = select(1.0 / temperature, 1.0, greedy);
  let first = lane.x * STRIDE;
  let end = min(first + STRIDE, V);
  var best = -3e38;
  var best_index = V;
  for (var i = first; i < end; i++) {
    let z = logits[row * V + i] * scale;
    if (z > best) { best = z; best_index = i; }
  }
  lane_value[lane.x] = best;
  lane_index[lane.x] = best_index;
  workgroupBarrier();
  var m = lane_value[0];
  var arg = lane_index[0];
  for (var i = 1u; i < LANES; i++) {
    if (lane_value[i] > m) { m = lane_value[i]; arg = lane_index[i]; }
  }
  var sum = 0.0;
  for (var i = first; i < end; i++) { sum += exp(logits[row * V + i] * scale - m); }
  lane_sum[lane.x] = sum;
  workgroupBarrier();
  var total = 0.0;
  for (var i = 0u; i < LANES; i++) { total += lane_sum[i]; }
  let all = total;
  // 0 lets every token through, also those whose mass is too small for a float.
  var threshold = filter_by.z;
  if (filter_by.x >= 1.0 || filter_by.y < 1.0) {
    let at_row = row * V;
    var least = 0.0;
    if (filter_by.x >= 1.0 && filter_by.x < f32(V)) { least = threshold_of(at_row, first, end, scale, m, u32(filter_by.x), 0.0, lane.x); }
    threshold = max(threshold, least);
    if (filter_by.y < 1.0) {
      let kept = reach(at_row, first, end, scale, m, least, lane.x).mass;
      threshold = max(threshold, threshold_of(at_row, first, end, scale, m, 1u, filter_by.y * kept, lane.x));
    }
  }
  if (threshold > 0.0) { total = reach(row * V, first, end, scale, m, threshold, lane.x).mass; }
  if (lane.x != 0u) { return; }
  var token = arg;
  let position = slot_state[state + 1u] + 1u;
  if (!greedy) {
    let words = philox(vec4u(position, slot_state[state + 9u], slot_state[state + 8u], slot_state[state + 7u]), vec2u(slot_state[state + 5u], slot_state[state + 6u]));
    let goal = f32(words.x >> 8u) * 5.9604645e-8 * total;
    var before = 0.0;
    var chunk = LANES - 1u;
    for (var i = 0u; i < LANES; i++) {
      if (goal < before + lane_sum[i]) { chunk = i; break; }
      if (i + 1u < LANES) { before += lane_sum[i]; }
    }
    let chunk_end = min((chunk + 1u) * STRIDE, V);
    for (var i = min(chunk * STRIDE, V - 1u); i < chunk_end; i++) {
      let e = exp(logits[row * V + i] * scale - m);
      if (e < threshold) { continue; }
      // Rounding may leave the goal past the last sum: then the last token with any mass stands.
      if (e > 0.0) { token = i; }
      before += e;
      if (goal < before) { break; }
    }
  }
  let count = slot_state[state + 3u];
  let logp = logits[row * V + token] * scale - m - log(all);
  out_tokens[slot * LIMIT + count] = vec2u(token, bitcast<u32>(logp));
  slot_state[state] = token;
  slot_state[state + 1u] = position;
  slot_state[state + 3u] = count + 1u;
  ids[slot] = token;
  positions[slot] = position;
  var reason = 0u;
  for (var i = 0u; i < 4u; i++) { if (slot_state[state + 11u + i] == token) { reason = 1u; } }
  if (reason == 0u && count + 1u >= slot_state[state + 4u]) { reason = 2u; }
  slots[slot] = slot;
  if (reason != 0u) {
    slot_state[state + 2u] = 0u;
    slot_state[state + 15u] = reason;
    slots[slot] = 0xffffffffu;
  }
}
