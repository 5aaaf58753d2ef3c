def yq_text: if type == "string" then . elif . == null then "" else tojson end;
def yq_scalar: type | (. != "object" and . != "array");
def yq_equal($a; $b):
  if $a == null or $b == null then $a == $b
  elif ($a | yq_scalar) and ($b | yq_scalar) then ($b | yq_text) as $p | $a | yq_text | yq_glob($p)
  else $a == $b end;
def yq_eq(f; g): f as $a | g as $b | yq_equal($a; $b);
def yq_sum($a; $b):
  if $a == null then $b elif $b == null then $a
  elif ($a | type) == "array" then $a + (if ($b | type) == "array" then $b else [$b] end)
  elif ($a | type) == "string" and ($b | yq_scalar) then $a + ($b | yq_text)
  elif ($b | type) == "string" and ($a | yq_scalar) then ($a | yq_text) + $b
  else $a + $b end;
def yq_add(f; g): f as $a | g as $b | yq_sum($a; $b);
def yq_mul(f; g): f as $a | g as $b |
  if $b == null then $a elif $a == null then $b
  elif ($a | type) == "array" then $b
  else $a * $b end;
def yq_both($a; $b): ($a | type) == "object" and ($b | type) == "object";
def yq_join_maps($a; $b; f):
  reduce ($b | to_entries[]) as $e ($a;
    if has($e.key) then .[$e.key] as $old | .[$e.key] = ([$old, $e.value] | f) else .[$e.key] = $e.value end);
def yq_append($a; $b):
  if yq_both($a; $b) then yq_join_maps($a; $b; yq_append(.[0]; .[1]))
  elif ($a | type) == "array" and ($b | type) == "array" then $a + $b
  else $b end;
def yq_merge_append(f; g): f as $a | g as $b | yq_append($a; $b);
def yq_new($a; $b): if yq_both($a; $b) then yq_join_maps($a; $b; yq_new(.[0]; .[1])) else $a end;
def yq_merge_new(f; g): f as $a | g as $b | yq_new($a; $b);
def yq_existing($a; $b):
  if yq_both($a; $b) then reduce ($b | to_entries[]) as $e ($a;
    if has($e.key) then .[$e.key] as $old | .[$e.key] = yq_existing($old; $e.value) else . end)
  else $b end;
def yq_merge_existing(f; g): f as $a | g as $b | yq_existing($a; $b);
def yq_deep($a; $b):
  if yq_both($a; $b) then yq_join_maps($a; $b; yq_deep(.[0]; .[1]))
  elif ($a | type) == "array" and ($b | type) == "array" then
    [range(0; [($a | length), ($b | length)] | max) as $i |
      if $i >= ($b | length) then $a[$i] elif $i >= ($a | length) then $b[$i] else yq_deep($a[$i]; $b[$i]) end]
  else $b end;
def yq_merge_deep(f; g): f as $a | g as $b | yq_deep($a; $b);
def yq_keys($p): keys_unsorted[] | select(yq_text | yq_glob($p));
def yq_keys_of: if . == null then empty else keys_unsorted end;
def yq_to_entries: if . == null then empty else to_entries end;
def yq_unique(f): reduce .[] as $x ([[], []]; ([$x | f]) as $k | if (.[0] | index([$k])) == null then [.[0] + [$k], .[1] + [$x]] else . end) | .[1];
def yq_map(f): if . == null then [] else map(f) end;
def yq_map_values(f): if . == null then . else map_values(f) end;
def yq_with_entries(f): if . == null then . else with_entries(f) end;
def yq_sort_by(f): if . == null then . else sort_by(f) end;
def yq_group_by(f): if . == null then . else group_by(f) end;
def yq_filter(f): yq_map(select(f));
def yq_has(f): f as $k | if type == "object" then has($k | yq_text) elif type == "array" then has($k) else false end;
def yq_join(f): f as $s | map(yq_text) | join($s);
def yq_pick(f): f as $keys | if type == "array" then [.[$keys[]]] else . as $o | reduce $keys[] as $k ({}; if $o | has($k) then .[$k] = $o[$k] else . end) end;
def yq_omit(f): f as $keys | if type == "array" then [to_entries[] | select(.key as $k | $keys | index($k) == null) | .value] else reduce $keys[] as $k (.; del(.[$k])) end;
def yq_sub(f; g): f as $p | g as $r | yq_text | yq_replace($p; $r);
def yq_base64: yq_text | encode_base64;
def yq_to_json(f): tojson;
def yq_to_yaml(f): to_yaml;
def yq_tag: type as $t |
  if $t == "object" then "!!map" elif $t == "array" then "!!seq" elif $t == "string" then "!!str"
  elif $t == "null" then "!!null" elif $t == "boolean" then "!!bool"
  elif tojson | test("[.eE]") then "!!float" else "!!int" end;
def yq_kind: type | if . == "object" then "map" elif . == "array" then "seq" else "scalar" end;
