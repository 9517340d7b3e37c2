// dk[j, g] = scale * sum_h sum_t p (do . v_j - delta) q[t, h],  dv[j, g] = sum_h sum_t p do[t, h]
// over queries t >= j of j's segment and the GROUP query heads h of key head g.               (flash attention backward)
// One invocation per R keys and key head; query and gradient tiles of BK rows pass through workgroup memory. Heads and then
// queries are visited in order: no atomics. Constants: HD4 = head size / 4, KV, GROUP, R, KB, BK, LANES = KB / R.
struct Params { scale: f32 }
@group(0) @binding(0) var<storage, read> grad_o: array<vec4f>;
@group(0) @binding(1) var<storage, read> q: array<vec4f>;
@group(0) @binding(2) var<storage, read> k: array<vec4f>;
@group(0) @binding(3) var<storage, read> v: array<vec4f>;
@group(0) @binding(4) var<storage, read> lse_delta: array<vec2f>;
@group(0) @binding(5) var<storage, read> spans: array<vec2u>;
@group(0) @binding(6) var<storage, read_write> dk: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> dv: array<vec4f>;
@group(0) @binding(8) var<uniform> params: Params;


const HEADS = KV * GROUP;
var<workgroup> query_tile: array<vec4f, BK * HD4>;
var<workgroup> grad_tile: array<vec4f, BK * HD4>;
var<workgroup> lse_tile: array<vec2f, BK>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let first_key = group.x * KB;
  let live = spans[0].x;
  if (first_key >= live) { return; }
  let last_key = min(first_key + KB, live) - 1u;
  let end_query = spans[1u + last_key].y;
  let kv = group.y;
  let first_own = first_key + lane.x * R;

  // #repeat r R
  let key{r} = min(first_own + {r}u, live - 1u);
  let end{r} = spans[1u + key{r}].y;
  let at{r} = key{r} * KV + kv;
  // #repeat d HD4
  let k{r}_{d} = k[at{r} * HD4 + {d}u] * params.scale;
  let v{r}_{d} = v[at{r} * HD4 + {d}u];
  var dk{r}_{d} = vec4f();
  var dv{r}_{d} = vec4f();
  // #end
  // #end
  let last_end = spans[1u + min(first_own + R, live) - 1u].y;
  for (var g = 0u; g < GROUP; g++) {
    let head = kv * GROUP + g;
    for (var base = first_key; base < end_query; base += BK) {
      workgroupBarrier();
      for (var i = lane.x; i < BK * HD4; i += LANES) {
        let t = base + i / HD4;
        if (t < end_query) {
          let at = (t * HEADS + head) * HD4 + i % HD4;
          query_tile[i] = q[at];
          grad_tile[i] = grad_o[at];
        }
      }
      for (var i = lane.x; i < BK; i += LANES) {
        let t = base + i;
        if (t < end_query) { lse_tile[i] = lse_delta[t * HEADS + head]; }
      }
      workgroupBarrier();
      let count = min(BK, end_query - base);
      for (var j = 0u; j < count; j++) {
        let t = base + j;
        // Ends grow with keys.
        if (t >= first_own && t < last_end) {
          let stats = lse_tile[j];
          // #repeat r R
          var s{r} = vec4f();
          var t{r} = vec4f();
          // #end
          // #repeat d HD4
          let q{d} = query_tile[j * HD4 + {d}u];
          let g{d} = grad_tile[j * HD4 + {d}u];
          // #repeat r R
          s{r} += k{r}_{d} * q{d};
          t{r} += v{r}_{d} * g{d};
          // #end
          // #end
          // #repeat r R
          let p{r} = select(0.0, exp(s{r}.x + s{r}.y + s{r}.z + s{r}.w - stats.x), t >= key{r} && t < end{r});
          let ds{r} = p{r} * (t{r}.x + t{r}.y + t{r}.z + t{r}.w - stats.y);
          // #end
          // #repeat d HD4
          // #repeat r R
          dv{r}_{d} += p{r} * g{d};
          dk{r}_{d} += ds{r} * q{d};
          // #end
          // #end
        }
      }
    }
  }
  // #repeat r R
  if (first_own + {r}u < live) {
    // #repeat d HD4
    dk[at{r} * HD4 + {d}u] = dk{r}_{d} * params.scale;
    dv[at{r} * HD4 + {d}u] = dv{r}_{d};
    // #end
  }
  // #end
}
