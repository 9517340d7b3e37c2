// dx[t, d] = rstd * (gain[d] * dy[t, d] - x[t, d] * rstd^2 / D * sum_e dy[t, e] * gain[e] * x[t, e])
// One workgroup per row. Constants: D, LANES. Parts: total (reduce/total_*).
// #include "flat"
struct Params { rows: u32 }
@group(0) @binding(0) var<storage, read> dy: array<vec4f>;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> gain: array<vec4f>;
@group(0) @binding(3) var<storage, read> rstd: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<vec4f>;
@group(0) @binding(5) var<uniform> params: Params;

const D4 = D / 4u;
// #part total

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = flat_workgroup(group, groups);
  if (row >= params.rows) { return; }
  var sum = 0.0;
  for (var d = lane.x; d < D4; d += LANES) { sum += dot(dy[row * D4 + d] * gain[d], x[row * D4 + d]); }
  let total = total_of(sum, lane.x);
  let r = rstd[row];
  let mean = total * r * r / f32(D);
  for (var d = lane.x; d < D4; d += LANES) {
    let at = row * D4 + d;
    dx[at] = r * (gain[d] * dy[at] - x[at] * mean);
  }
}
