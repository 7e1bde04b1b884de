# What jq offers and the interpreter does not bring along, each definition starting a line with "def".
# An expression is compiled with those definitions that it mentions, directly or not. A definition that calls itself does so
# through another one within it: that is how the engine knows which expressions need a large stack.

def empty: {}[] as $x | .;
def error: error_empty as $x | .;
def error(message): (message | error_empty) as $x | .;
def not: if . then false else true end;
def select(f): if f then . else empty end;
def tostring: "\(.)";
def toboolean: if type == "boolean" then . elif . == "true" then true elif . == "false" then false else error("\(type) (\(tojson)) cannot be parsed as a boolean") end;
def abs: if type == "number" and . >= 0 or type == "string" then . elif type == "number" then -. else error("\(type) (\(tojson)) has no absolute value") end;

# Kinds of values
def values: select(. != null);
def nulls: select(. == null);
def booleans: select(type == "boolean");
def numbers: select(type == "number");
def strings: select(type == "string");
def arrays: select(type == "array");
def objects: select(type == "object");
def iterables: select(type == "array" or type == "object");
def scalars: select(type != "array" and type != "object");
def isnan: . == . | not;
def isinfinite: . == infinite or . == -infinite;
def isfinite: type == "number" and (isinfinite | not);
def isnormal: isinfinite or isnan or . == 0 or fabs < 2.2250738585072014e-308 | not;
def finites: select(isinfinite or isnan | not);
def normals: select(isnormal);

# Streams
def range($from; $to; $by): if ($from | type) != "number" or ($to | type) != "number" or ($by | type) != "number" then error("Range bounds must be numeric") elif $by == 0 then empty else range_unchecked($from; $to; $by) end;
def range($from; $to): range($from; $to; 1);
def range($to): range(0; $to; 1);
def limit($count; f): if $count < 0 then error("limit doesn't support negative count") else limit_unchecked($count; f) end;
def skip($count; f): if $count < 0 then error("skip doesn't support negative count") else skip_unchecked($count; f) end;
def nth($position; f): if $position < 0 then error("nth doesn't support negative indices") else first(skip_unchecked($position; f)) end;
def first: .[0];
def last: .[-1];
def nth($position): .[$position];
def isempty(f): first((f | false), true);
def recurse(f): def each: ., (f | each); each;
def recurse(f; condition): def each: ., (f | select(condition) | each); each;
def recurse: ..;
def repeat(f): def again: f, again; again;
def while(condition; update): def again: if condition then ., (update | again) else empty end; again;
def until(condition; update): def again: if condition then . else update | again end; again;

# Any and all
def any(f; condition): isempty(first(f | condition | select(.))) | not;
def any(condition): any(.[]; condition);
def any: any(.[]; .);
def all(f; condition): isempty(first(f | condition | select(. | not)));
def all(condition): all(.[]; condition);
def all: all(.[]; .);
def IN(f): any(f == .; .);
def IN(source; f): any(source == f; .);

# Arrays and objects
def map(f): [.[] | f];
def map_values(f): .[] |= f;
def walk(f): def each: if type == "object" then map_values(each) elif type == "array" then map(each) else . end | f; each;
def add(f): reduce f as $x (null; . + $x);
def add: add(.[]);
def keys: keys_unsorted | sort;
def reverse: if . == null or . == {} then [] else reverse_unchecked end;
def to_entries: [keys_unsorted[] as $key | {key: $key, value: .[$key]}];
def entry_name: .key // .k // .name // .Name // .Key // .K;
def entry_value: if has("value") then .value elif has("v") then .v elif has("Value") then .Value else .V end;
def from_entries: reduce .[] as $entry ({}; . + {($entry | entry_name): ($entry | entry_value)});
def with_entries(f): to_entries | map(f) | from_entries;
def in(xs): . as $x | xs | has($x);
def inside(xs): . as $x | xs | contains($x);
def index($part): indices($part) | .[0];
def rindex($part): indices($part) | .[-1:][0];
def flatten($depth): flatten_unchecked($depth);
def flatten: flatten_unchecked(1000000000);
def combinations: def rows: if length == 0 then [] else .[0][] as $x | .[1:] | rows as $rest | [$x] + $rest end; rows;
def combinations($count): . as $choices | [range($count) | $choices] | combinations;
def min_by(f): first(min_by_or_empty(f), null);
def max_by(f): first(max_by_or_empty(f), null);
def min: min_by(.);
def max: max_by(.);
def transpose: if . == [] then [] else . as $rows | [range($rows | map(length) | max) as $column | [$rows[] | .[$column]]] end;
def unique_by(f): [group_by(f)[] | .[0]];
def unique: unique_by(.);
def INDEX(f; name): reduce f as $row ({}; .[$row | name | tostring] |= $row);
def INDEX(name): INDEX(.[]; name);
def JOIN($index; name): [.[] | [., $index[name]]];
def JOIN($index; f; name): f | [., $index[name]];
def JOIN($index; f; name; join): f | [., $index[name]] | join;

# Paths
def getpath($path): if $path | type != "array" then error("Path must be specified as an array") else reduce $path[] as $step (.; .[$step]) end;
def paths: path(..) | select(length > 0);
def paths(f): . as $top | paths | select(. as $path | $top | getpath($path) | f);
def del(f): delpaths([path(f)]);
def pick(f): . as $top | reduce path(f) as $path (null; setpath($path; $top | getpath($path)));
def tostream: path(def leaves: (.[]? | leaves), .; leaves) as $path | getpath($path) | reduce path(.[]?) as $last ([$path, .]; [$path + $last]);
def fromstream(f): foreach f as $event ({done: false}; if .done then {done: false} else . end | if $event | length == 2 then .done = ($event[0] | length == 0) | setpath(["value"] + $event[0]; $event[1]) else .done = ($event[0] | length == 1) end; if .done then .value else empty end);
def truncate_stream(f): . as $depth | null | f | select(.[0] | length > $depth) | .[0] |= .[$depth:];

# Strings
def join($separator): reduce .[] as $x (null; (if . == null then "" else . + $separator end) + ($x | if type == "number" or type == "boolean" then tojson else . // "" end)) // "";
def trimstr($part): ltrimstr($part) | rtrimstr($part);
def split($separator): if type == "string" and ($separator | type == "string") then . / $separator else error("split input and separator must be strings") end;
def @text: format("text");
def @json: format("json");
def @csv: format("csv");
def @tsv: format("tsv");
def @html: format("html");
def @uri: format("uri");
def @urid: format("urid");
def @sh: format("sh");
def @base64: format("base64");
def @base64d: format("base64d");

# Regular expressions
def regex_parts($flags): if type != "array" then [., $flags // ""] elif $flags == null then [.[0], .[1] // ""] else [.[0], $flags] end;
def all_matches($regex; $flags): ($regex | regex_parts($flags)) as [$text, $all_flags] | prepare_regex($text) as [$numbered, $names] | matches($numbered; $all_flags) | complete_matches($names);
def match($regex; $flags): all_matches($regex; $flags)[];
def match($regex): all_matches($regex; null)[];
def test($regex; $flags): all_matches($regex; $flags) | length > 0;
def test($regex): all_matches($regex; null) | length > 0;
def named_captures: reduce (.captures[] | select(.name != null)) as $capture ({}; . + {($capture.name): $capture.string});
def capture($regex; $flags): all_matches($regex; $flags)[] | named_captures;
def capture($regex): capture($regex; null);
def scan($regex; $flags): all_matches($regex; "g" + $flags)[] | if .captures == [] then .string else [.captures[].string] end;
def scan($regex): scan($regex; null);
def split($regex; $flags): . as $text | [foreach (all_matches($regex; "g" + $flags)[], null) as $match ({next: 0}; if $match == null then .part = $text[.next:] else .part = $text[.next:$match.offset] | .next = $match.offset + $match.length end; .part)];
def splits($regex; $flags): split($regex; $flags)[];
def splits($regex): split($regex; null)[];
def replace_matches($matches; f): . as $text | [$matches[] | [named_captures | f]] as $replacements | ($replacements | map(length) | min // 0) as $outputs | if $outputs == 0 then . else range($outputs) as $output | reduce range($matches | length) as $number ({next: 0, done: ""}; $matches[$number] as $match | .done += $text[.next:$match.offset] + $replacements[$number][$output] | .next = $match.offset + $match.length) | .done + $text[.next:] end;
def sub($regex; f; $flags): replace_matches(all_matches($regex; $flags); f);
def sub($regex; f): replace_matches(all_matches($regex; null); f);
def gsub($regex; f; $flags): replace_matches(all_matches($regex; "g" + $flags); f);
def gsub($regex; f): replace_matches(all_matches($regex; "g"); f);

# Dates
def mktime: mktime_unchecked | floor;
def todateiso8601: strftime("%Y-%m-%dT%H:%M:%SZ");
def todate: todateiso8601;
def fromdateiso8601: strptime("%Y-%m-%dT%H:%M:%SZ") | mktime;
def fromdate: fromdateiso8601;
def localtime: gmtime;
def strflocaltime($format): strftime($format);

# Mathematics
def gamma: lgamma;
def drem($x; $y): remainder($x; $y);
def nexttoward($x; $y): nextafter($x; $y);
def scalb($x; $exponent): $x * pow(2; $exponent);

# What a mapping has no access to: environment, other inputs, the process and its output
def env: {};
def input: error("No more inputs");
def inputs: empty;
def input_filename: null;
def input_line_number: error("Unknown input line number");
def get_search_list: [];
def halt: error("halt is not available in a mapping");
def halt_error: error("halt_error is not available in a mapping");
def halt_error($code): halt_error;
def debug: .;
def debug(message): (message | empty), .;
def stderr: .;
def have_decnum: true;
def have_literal_numbers: true;
