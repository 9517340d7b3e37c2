// Online log-sum-exp over one vocabulary chunk of logits, a row per workgroup. state[r] = (max, sum, weighted, picked):
//   sum = sum_v exp(z_v - max), weighted = sum_v exp(z_v - max) * z_v, picked = z of the target.
// logits: [R, WIDTH] holds vocabulary entries FIRST .. FIRST + WIDTH. Rows at or past counts[1] are skipped.
// When the chunk is the last: logp[r] = picked - lse, lse[r] = max + log(sum), entropy[r] = lse - weighted / sum  (nats).
// Params: rows, first, width, is_first, is_last.
// #include "flat"
struct Params { rows: u32, first: u32, width: u32, is_first: u32, is_last: u32 }
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read_write> state: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> logp: array<f32>;
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;
@group(0) @binding(6) var<storage, read_write> entropy: array<f32>;
@group(0) @binding(7) var<uniform> params: Params;

var<workgroup> lane_max: array<f32, 32>;
var<workgroup> lane_sums: array<vec2f, 32>;

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = flat_workgroup(group, groups);
  if (row >= params.rows) { return; }
  if (row >= counts[1]) {
    if (lane.x == 0u && params.is_last == 1u) { logp[row] = 0.0; lse[row] = 0.0; entropy[row] = 0.0; }
    return;
  }
  var before = vec4f(-1e30, 0.0, 0.0, 0.0);
  if (params.is_first == 0u) { before = state[row]; }
  let at = row * params.width;
  var local = before.x;
  for (var i = lane.x; i < params.width; i += 32u) { local = max(local, logits[at + i]); }
  lane_max[lane.x] = local;
  workgroupBarrier();
  var m = before.x;
  for (var i = 0u; i < 32u; i++) { m = max(m, lane_max[i]); }
  var sums = vec2f();
  for (var i = lane.x; i < params.width; i += 32u) {
    let z = logits[at + i];
    let e = exp(z - m);
    sums += vec2f(e, e * z);
  }
  lane_sums[lane.x] = sums;
  workgroupBarrier();
  if (lane.x == 0u) {
    let keep = exp(before.x - m);
    var total = before.yz * keep;
    for (var i = 0u; i < 32u; i++) { total += lane_sums[i]; }
    var picked = before.w;
    let target_id = targets[row];
    if (target_id >= params.first && target_id < params.first + params.width) { picked = logits[at + target_id - params.first]; }
    state[row] = vec4f(m, total, picked);
    if (params.is_last == 1u) {
      let value = m + log(total.x);
      lse[row] = value;
      logp[row] = picked - value;
      entropy[row] = value - total.y / total.x;
    }
  }
}
