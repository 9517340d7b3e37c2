// Weighted squared error of one critic against column COLUMN of y, over transitions n < counts[0]:
//   loss = sum_n w[n] (x[n] - y[n])^2,   dx[n] = 2 w[n] (x[n] - y[n]), else 0;   w = transition[n].w
// sums = (transitions, loss, sum x, sum y, sum (x - R)^2, sum R, sum R^2, 0), R = transition[n].z the Monte-Carlo return.
// One workgroup; lanes stride, then add in lane order. Constants: COLUMN. Params: rows.
// x, dx: [N, 1]; y, transition: [N, 4]; sums: [8].
struct Params { rows: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> y: array<vec4f>;
@group(0) @binding(2) var<storage, read> transition: array<vec4f>;
@group(0) @binding(3) var<storage, read> counts: array<u32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;
@group(0) @binding(5) var<storage, read_write> sums: array<vec4f>;
@group(0) @binding(6) var<uniform> params: Params;

const TERMS = 2u;
// #include "lane_sums"

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_id) lane: vec3u) {
  var sum = array<vec4f, TERMS>();
  let live = min(params.rows, counts[0]);
  for (var n = lane.x; n < params.rows; n += LANES) {
    if (n >= live) { dx[n] = 0.0; continue; }
    let t = transition[n];
    let wanted = y[n][COLUMN];
    let error = x[n] - wanted;
    let miss = x[n] - t.z;
    dx[n] = 2.0 * t.w * error;
    sum[0] += vec4f(1.0, t.w * error * error, x[n], wanted);
    sum[1] += vec4f(miss * miss, t.z, t.z * t.z, 0.0);
  }
  write_sums(lane.x, sum);
}
