// dx[t, d] = rstd * (gain[d] * dy[t, d] - x[t, d] * rstd^2 / D * sum_e dy[t, e] * gain[e] * x[t, e])
// One workgroup per row. Constants: D.
// #include "flat"
struct Params { rows: u32 }
@group(0) @binding(0) var<storage, read> dy: array<vec4f>;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> gain: array<vec4f>;
@group(0) @binding(3) var<storage, read> rstd: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<vec4f>;
@group(0) @binding(5) var<uniform> params: Params;

const D4 = D / 4u;
var<workgroup> partial: array<f32, 32>;

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = flat_workgroup(group, groups);
  if (row >= params.rows) { return; }
  var sum = 0.0;
  for (var d = lane.x; d < D4; d += 32u) { sum += dot(dy[row * D4 + d] * gain[d], x[row * D4 + d]); }
  partial[lane.x] = sum;
  workgroupBarrier();
  var total = 0.0;
  for (var i = 0u; i < 32u; i++) { total += partial[i]; }
  let r = rstd[row];
  let mean = total * r * r / f32(D);
  for (var d = lane.x; d < D4; d += 32u) {
    let at = row * D4 + d;
    dx[at] = r * (gain[d] * dy[at] - x[at] * mean);
  }
}
