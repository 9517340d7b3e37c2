// dq[t, h] = scale * sum_j p_j (do . v_j - delta) k_j,  p_j = exp(q . k_j * scale - lse)      (flash attention backward)
// Same tiling as the forward pass. Constants: HD4 = head size / 4, KV, GROUP, R, QB, BK, LANES = QB / R * GROUP.
struct Params { scale: f32 }
@group(0) @binding(0) var<storage, read> grad_o: array<vec4f>;
@group(0) @binding(1) var<storage, read> q: array<vec4f>;
@group(0) @binding(2) var<storage, read> k: array<vec4f>;
@group(0) @binding(3) var<storage, read> v: array<vec4f>;
@group(0) @binding(4) var<storage, read> lse_delta: array<vec2f>;
@group(0) @binding(5) var<storage, read> spans: array<vec2u>;
@group(0) @binding(6) var<storage, read_write> dq: array<vec4f>;
@group(0) @binding(7) var<uniform> params: Params;

const HEADS = KV * GROUP;
var<workgroup> key_tile: array<vec4f, BK * HD4>;
var<workgroup> value_tile: array<vec4f, BK * HD4>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let first_query = group.x * QB;
  let live = spans[0].x;
  if (first_query >= live) { return; }
  let last_query = min(first_query + QB, live) - 1u;
  let first_key = spans[1u + first_query].x;
  let kv = group.y;
  let query = first_query + lane.x % (QB / R) * R;
  let head = kv * GROUP + lane.x / (QB / R);

  // #repeat r R
  let row{r} = min(query + {r}u, live - 1u);
  let start{r} = spans[1u + row{r}].x;
  let at{r} = row{r} * HEADS + head;
  let stats{r} = lse_delta[at{r}];
  // #repeat d HD4
  let q{r}_{d} = q[at{r} * HD4 + {d}u] * params.scale;
  let g{r}_{d} = grad_o[at{r} * HD4 + {d}u];
  var acc{r}_{d} = vec4f();
  // #end
  // #end
  for (var base = first_key; base <= last_query; base += BK) {
    workgroupBarrier();
    for (var i = lane.x; i < BK * HD4; i += LANES) {
      let key = base + i / HD4;
      if (key <= last_query) {
        let at = (key * KV + kv) * HD4 + i % HD4;
        key_tile[i] = k[at];
        value_tile[i] = v[at];
      }
    }
    workgroupBarrier();
    let count = min(BK, last_query + 1u - base);
    for (var j = 0u; j < count; j++) {
      let key = base + j;
      // Starts grow with rows.
      if (key >= start0 && key < query + R) {
        // #repeat r R
        var s{r} = vec4f();
        var t{r} = vec4f();
        // #end
        // #repeat d HD4
        let k{d} = key_tile[j * HD4 + {d}u];
        let v{d} = value_tile[j * HD4 + {d}u];
        // #repeat r R
        s{r} += q{r}_{d} * k{d};
        t{r} += g{r}_{d} * v{d};
        // #end
        // #end
        // #repeat r R
        let p{r} = exp(s{r}.x + s{r}.y + s{r}.z + s{r}.w - stats{r}.x);
        let ds{r} = select(0.0, p{r} * (t{r}.x + t{r}.y + t{r}.z + t{r}.w - stats{r}.y), key >= start{r} && key <= row{r});
        // #end
        // #repeat d HD4
        // #repeat r R
        acc{r}_{d} += ds{r} * k{d};
        // #end
        // #end
      }
    }
  }
  // #repeat r R
  if (query + {r}u < live) {
    // #repeat d HD4
    dq[at{r} * HD4 + {d}u] = acc{r}_{d} * params.scale;
    // #end
  }
  // #end
}
