use super::*;
use serde_json::json;
use std::time::{Duration, Instant};

fn first(text: &str, input: &serde_json::Value) -> Result<Option<serde_json::Value>, EvaluationError> {
    match Expression::compile(text) {
        Ok(expression) => expression.first(&Input::new(input)),
        Err(error) => panic!("{text} does not compile: {error}"),
    }
}

/// Each line of the file is an expression and what libjq 1.8.2 makes of it.
#[test]
fn agrees_with_libjq() {
    let mut differences = Vec::new();
    let mut cases = 0;
    for line in include_str!("cases.jsonl").lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = case["expression"].as_str().unwrap();
        let collected = Expression::compile(&format!("[{text}\n]"));
        let result = match &collected {
            Ok(expression) => expression.first(&Input::new(&case["input"])).ok().flatten(),
            Err(_) => None,
        };
        // Absent for expressions that fail; the messages are our own.
        let expected = case.get("outputs").cloned();
        if result != expected {
            differences.push(format!("{text}\n  gives    {result:?}\n  expected {expected:?}"));
        }
        cases += 1;
    }
    assert!(cases > 500, "{cases} cases");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Every expression of the mappings that Port publishes as examples, on a resource of its kind that has everything and
/// on one that has little more than its name, with what libjq 1.8.2 (the Python package jq 1.12.0) makes of it.
#[test]
fn published_mappings_give_what_they_give_with_libjq() {
    let recorded = include_str!("../../../tests/support/mapping/recorded.json");
    let recorded: Vec<serde_json::Value> = serde_json::from_str(recorded).unwrap();
    let mut differences = Vec::new();
    let mut cases = 0;
    for resource in &recorded {
        let input = Input::new(&resource["input"]);
        for case in resource["cases"].as_array().unwrap() {
            let text = case["expression"].as_str().unwrap();
            let result = Expression::compile(text).unwrap().first(&input).ok().flatten();
            // Absent for expressions that fail; the messages are our own.
            let expected = case.get("outputs").map(|outputs| outputs[0].clone());
            // Compared as text, which shows how numbers are written.
            if format!("{result:?}") != format!("{expected:?}") {
                let kind = &resource["input"]["Type"];
                differences.push(format!("{text} of {kind}\n  gives    {result:?}\n  expected {expected:?}"));
            }
            cases += 1;
        }
    }
    assert!(recorded.len() >= 66 && cases > 1000, "{cases} cases of {} resources", recorded.len());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// What the page on mappings says about differences from jq, in its order. What agrees one day leaves the page.
#[test]
fn differences_from_libjq_are_those_that_users_are_told() {
    let fails = [
        "halt",
        "halt_error",
        "$__loc__",
        "get_jq_origin",
        "get_prog_origin",
        "1 | lgamma_r",
        "[5] | . as {a: $x} ?// [$x] | $x",
        "\"abc\" | test(\"a(?=b)\")",
        "\"abc\" | test(\"(?<=a)b\")",
        "\"aa\" | test(\"(a)\\\\1\")",
        "\"foo\" | test(\"(?>f)oo\")",
        "\"a\" | test(\"\\\\p{L}\")",
        "\"a\" | test(\"\\\\h\")",
        "\"a\" | test(\"\\\\R\")",
        "\"a\" | test(\"a\\\\Z\")",
        "\"a\" | test(\"[a-z&&[^x]]\")",
        "\"\\ud83d\\ude00\"",
        "\"+1\" | tonumber",
        "\"Infinity\" | tonumber",
        "\"-nan\" | tonumber",
        "\"01\" | fromjson",
        "\"1e1000\" | fromjson",
        "\"NaN\" | fromjson",
        "\"Infinity\" | fromjson",
        "\"[nan]\" | fromjson",
        "[1114112] | implode",
        "\"\" | reverse",
        "\"2024\" | strptime(\"%Y\")",
        "\"2024-05-01 GMT\" | strptime(\"%Y-%m-%d %Z\")",
        "1e12 | todate",
        "[2024, 13, 1, 0, 0, 0, 0, 0] | mktime",
        "[2024, 4, 1] | mktime",
    ];
    for text in fails {
        let result = Expression::compile(text).map(|expression| expression.first(&Input::new(&json!(null))));
        assert!(!matches!(result, Ok(Ok(_))), "{text} gives {result:?}");
    }
    for (text, here) in [
        ("[env, $ENV]", json!([{}, {}])),
        ("[reduce range(2) as $x (0; . + $x, 10)]", json!([1, 10, 11, 10])),
        ("[foreach range(2) as $x (0; . + $x, 10)] | length", json!(6)),
        ("[reduce range(3) as $x (0; empty)]", json!([])),
        ("\"é٣\" | [test(\"\\\\w\"), test(\"\\\\d\")]", json!([false, false])),
        ("\"a\\nb\" | test(\"a.b\"; \"s\")", json!(true)),
        ("9007199254740993", json!(9_007_199_254_740_993_u64)),
        ("1.10 | tostring", json!("1.1")),
        ("[1, 2, 3] | .[-1.2]", json!(2)),
        ("\"%zz\" | @urid", json!("%zz")),
        ("[10, 2] | bsearch(2)", json!(-1)),
        ("0 | significand", json!(null)),
        ("0 | strftime(\"%Z\")", json!("UTC")),
        ("0 | strftime(\"%c\")", json!("1970 M01 1, Thu 00:00:00")),
        ("0 | strflocaltime(\"%H\")", json!("00")),
        ("1425599621.678 | gmtime | .[5]", json!(41.678)),
    ] {
        assert_eq!(first(text, &json!(null)), Ok(Some(here)), "{text}");
    }
}

#[test]
fn simple_forms_agree_with_the_interpreter() {
    let texts = [
        ".",
        " .a ",
        ".a.b",
        ".a.b.c",
        ".a?",
        ".a?.b",
        ".a.b?",
        ".a?.b?",
        ".[\"a\"]",
        ".[\"a b\"]",
        ".\"a b\"",
        ".a[\"b\"].c",
        ".[0]",
        ".[-1]",
        ".[-9]",
        ".[7]",
        ".[0]?",
        ".a[0]",
        ".a[-1].b",
        ".a[0]?.b?",
        ".[0][0]",
        ".[0][1]?",
        ".a[\"b\"]?",
        "._a1",
        ".and",
        ".[007]",
        "null",
        "true",
        "false",
        "\"text\"",
        "\"it's 'quoted'\"",
        "\"\"",
        "0",
        "-1",
        "42",
        "123456789012345",
        ".a[1]",
        ".[\"a\"][\"b\"]",
        ".[\"a\"]?[0]",
        ".if",
    ];
    let inputs = [
        json!(null),
        json!(true),
        json!(1),
        json!(1.0),
        json!(-0.5),
        json!("a"),
        json!([]),
        json!({}),
        json!([[1, 2.0], 3]),
        json!({"a": {"b": {"c": 1.0}}}),
        json!({"a": [{"b": 1}, 2]}),
        json!({"a": null, "a b": [1], "_a1": 2, "and": 3, "if": 4}),
        json!({"a": "text"}),
        json!([1, [2], {"a": 3}]),
        json!(9_007_199_254_740_993_i64),
        json!(u64::MAX),
        json!(1e300),
        json!({"z": 1, "a": {"y": 2, "b": [false]}}),
    ];
    for text in texts {
        let simple = Simple::parse(text).unwrap_or_else(|| panic!("{text} is not recognised"));
        let program = engine::compile(text).unwrap();
        for input in &inputs {
            let source = Input::new(input).source;
            let by_simple = simple.first(source);
            let by_interpreter = program.first(source, || source.convert());
            // Compared as text, which shows the order of keys and how numbers are written.
            assert_eq!(format!("{by_simple:?}"), format!("{by_interpreter:?}"), "{text} for {input}");
        }
    }
}

#[test]
fn doubtful_texts_are_left_to_the_interpreter() {
    let doubtful = [
        "",
        "..",
        "...",
        ".a.",
        ".a.[0]",
        ".[]",
        ".a[]",
        ".[1:2]",
        ".a | .b",
        ".a b",
        ".1a",
        ".a-b",
        ".a??",
        ".[.a]",
        ".[1.5]",
        "\"\\(1)\"",
        "\"a\" + \"b\"",
        "\"a\\nb\"",
        "-0",
        "01",
        "1.0",
        "1e3",
        "1234567890123456",
        "nul",
        "$x",
        ".a#b",
        ".é",
        "@text",
        ".[\"\\u0061\"]",
        ". a",
        ".[ 0 ]",
    ];
    for text in doubtful {
        assert!(Simple::parse(text).is_none(), "{text}");
    }
}

#[test]
fn expressions_without_end_or_bound_are_stopped() {
    let texts = [
        "def f: f; f",
        "def f: f, f; f",
        "def f: [f]; f",
        "def f: 1 + f; f",
        "def f: f | f; f",
        "def f: {a: f}; f",
        "def f: -f; f",
        "def f: try f catch f; f",
        "def f: label $x | f; f",
        "def f: f // f; f",
        "def f: \"\\(f)\"; f",
        "def f: .[f]; f",
        "def f: .. |= f; f",
        "def f: f as $x | $x; f",
        "def f(x): f(x); f(1)",
        "def f(x): f(x | .); f(1)",
        "def f($x): f($x + 1); f(1)",
        "def f($x): f([$x]); f(1)",
        "def f: def g: f, g; g; f",
        "def f: first(f); f",
        "try (def f: f; f) catch 1",
        "(def f: f; f)?",
        "[range(1e12)]",
        "last(range(infinite))",
        "repeat(1) | empty",
        "[limit(1e9; repeat(\"x\"))]",
        "[repeat({})]",
        "[recurse(.)]",
        "until(false; .)",
        "while(true; .) | empty",
        "null | last(path(recurse(.a)))",
        "null | path(def f: .a | f; f)",
        "reduce range(60) as $i (\"x\"; . + .)",
        "reduce range(100) as $i ([1]; [., .])",
        "reduce range(100) as $i ([1]; [., .]) | tojson",
        "reduce range(60) as $i ([1]; [., .]) | . == .",
        "reduce range(60) as $i ([1]; . + .)",
        "reduce range(100000) as $i (0; [.])",
        "reduce range(100000) as $i (null; {a: .})",
        "reduce range(1e9) as $i ({}; .[$i | tostring] = $i)",
        "\"x\" * 1e12",
        "[] | .[99999999] = 1",
        "\"a\" | test(\"(((a{1000}){1000}){1000})\")",
        "[range(10)] | combinations(30) | empty",
        "fromstream(repeat([[0], 1]))",
        "any(repeat(false); .)",
        "null | path(reduce range(1e9) as $i (.; .a))",
        "null | del(reduce range(1e9) as $i (.; .a))",
        "null | last(path(foreach range(1e9) as $i (.; .a)))",
        "[limit(100000; repeat(\"a\"))] as $p | null | path(getpath($p)) | last(repeat(1))",
        "null | (reduce range(1e9) as $i (.; .a)) = 1",
        "(\"ab\" * 1000000) as $a | [limit(1000; repeat($a))] | @csv",
        "(\"ab\" * 1000000) as $a | [limit(1000; repeat($a))] | error",
        "(\"[],\" * 3000000) as $a | \"[\" + $a + \"1]\" | fromjson",
        "(\"a\" * 10000000) | @html",
        "(\"a\" * 10000000) | [match(\"\"; \"g\")] | length",
        "label $f | repeat(1) | empty",
        "add(repeat(\"abc\"))",
        "[repeat([limit(1000; repeat(1))])]",
        "(\"a\" * 100000) as $a | [repeat($a + \"b\")]",
    ];
    for text in texts {
        let start = Instant::now();
        let result = first(text, &json!([1, 2, 3]));
        assert!(matches!(result, Err(EvaluationError::Runaway { .. })), "{text} gives {result:?}");
        // Most take a tenth of that, also without optimisation; the machine may be busy.
        assert!(start.elapsed() < Duration::from_secs(5), "{text} takes {:?}", start.elapsed());
    }
    // The thread is as good as before.
    assert_eq!(first("[.[] | . + 1]", &json!([1])), Ok(Some(json!([2]))));
}

#[test]
fn deep_results_are_refused_and_what_is_within_bounds_is_not() {
    let nested = |levels: usize| first(&format!("reduce range({levels}) as $i (0; [.])"), &json!(null));
    assert!(nested(200).is_ok());
    assert_eq!(nested(300), Err(EvaluationError::Runaway { limit: Limit::Depth }));
    assert_eq!(first("[range(50000)] | length", &json!(null)), Ok(Some(json!(50_000))));
    assert_eq!(
        first("def depth: if . == 0 then 0 else (. - 1 | depth) + 1 end; 500 | depth", &json!(null)),
        Ok(Some(json!(500)))
    );
    assert_eq!(
        first("def depth: if . == 0 then 0 else . - 1 | depth end; 20000 | depth", &json!(null)),
        Ok(Some(json!(0)))
    );
}

#[test]
fn long_and_nested_texts_are_refused_or_work() {
    let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    assert!(first(&nested(100), &json!(null)).is_ok());
    assert!(Expression::compile(&nested(100_000)).is_err());
    assert!(matches!(Expression::compile(&nested(1000)), Err(CompileError::TooDeep { allowed: 500, .. })));
    assert!(matches!(Expression::compile(&".a|".repeat(10_000)), Err(CompileError::TooLong { bytes: 30_000, .. })));
    assert!(matches!(Expression::compile(&".a".repeat(10_000)), Err(CompileError::TooLong { bytes: 20_000, .. })));
    assert_eq!(first(&format!("{}1", "1+".repeat(3000)), &json!(null)), Ok(Some(json!(3001))));
    assert_eq!(first(&format!("{}1", ".|".repeat(3000)), &json!(null)), Ok(Some(json!(1))));
    assert_eq!(first(&format!("{}1", "try ".repeat(400)), &json!(null)), Ok(Some(json!(1))));
    assert_eq!(first(&format!("{}1", "-".repeat(400)), &json!(null)), Ok(Some(json!(1))));
}

#[test]
fn no_text_overflows_the_stack() {
    let patterns = [
        "try ",
        "-",
        ".a|",
        "1,",
        "1//",
        "1+",
        ". as $x|",
        "def f:1;",
        ".a?",
        "..|=",
        "1 and ",
        "label $x|",
        "if 1 then 1 elif ",
        "reduce . as $x (1;",
        "\"\\(",
        "{a:",
        "[",
        "(",
        ".[",
        "not|",
        "f(",
        "first(",
        "1=",
        "@csv \"\\(",
        "try error(1) catch ",
    ];
    for pattern in patterns {
        for ending in ["1", ".", ""] {
            for repetitions in [100, 450, (16 << 10) / pattern.len() - 1] {
                let text = format!("{}{ending}", pattern.repeat(repetitions));
                let closed = text.chars().rev().filter_map(|character| match character {
                    '(' => Some(')'),
                    '[' => Some(']'),
                    '{' => Some('}'),
                    _ => None,
                });
                let closed = format!("{text}{}", closed.collect::<String>());
                for text in [&text, &closed] {
                    // Any result will do: not to end the process is what counts.
                    let _ = Expression::compile(text).map(|expression| expression.first(&Input::new(&json!({"a": 1}))));
                }
            }
        }
    }
}

#[test]
fn nothing_outside_can_be_reached() {
    for text in ["env", "$ENV", "env | with_entries(.)"] {
        assert_eq!(first(text, &json!(1)), Ok(Some(json!({}))), "{text}");
    }
    assert_eq!(first("$ENV.PATH, env.HOME", &json!(1)), Ok(Some(json!(null))));
    for text in ["halt", "halt_error", "halt_error(1)", "input", "\"a\" | error"] {
        assert!(matches!(first(text, &json!(1)), Err(EvaluationError::Failed(_))), "{text}");
    }
    assert_eq!(first("[inputs]", &json!(1)), Ok(Some(json!([]))));
    assert_eq!(first("[debug, debug(\"a\"), stderr]", &json!(1)), Ok(Some(json!([1, 1, 1]))));
    for text in
        ["import \"a\" as a; a::f", "include \"a\"; 1", "import \"a\" as $x; $x", "import \"/etc/passwd\" as $x; 1"]
    {
        assert!(matches!(Expression::compile(text), Err(CompileError::Module(_))), "{text}");
    }
    for text in ["debug_empty", "stderr_empty", "a::b", "$__prog_args", "get_home", "input_filename(1)"] {
        assert!(matches!(Expression::compile(text), Err(CompileError::Undefined { .. })), "{text}");
    }
}

#[test]
fn errors_say_what_and_where() {
    let message = |text: &str| Expression::compile(text).unwrap_err().to_string();
    assert_eq!(message(".a | foo(1)"), "filter foo/1 at character 6 is not defined");
    assert_eq!(message("1 + $x"), "variable $x at character 5 is not defined");
    assert!(message(".a | ]").contains("at character 6"), "{}", message(".a | ]"));
    let failure = |text: &str| first(text, &json!({"a": [1]})).unwrap_err().to_string();
    assert_eq!(failure(".a.b"), "Cannot index array with string (\"b\")");
    assert_eq!(failure(".a | .b | 1"), "Cannot index array with string (\"b\")");
    assert_eq!(failure("error(\"my words\")"), "my words");
    assert_eq!(failure("{(.a[0]): 1}"), "Cannot use number (1) as object key");
    assert_eq!(failure("{} + 1"), "object ({}) and number (1) cannot be added");
}

#[test]
fn tags_become_objects() {
    let tags = json!([{"Key": "z", "Value": "1"}, {"Key": "a", "Value": false}, {"k": "b", "v": 2}, {"K": "c", "V": 3}, {"name": "d", "value": 4}, {"Name": "e", "Value": 5}]);
    let object = first("from_entries | tojson", &tags);
    assert_eq!(object, Ok(Some(json!(r#"{"z":"1","a":false,"b":2,"c":3,"d":4,"e":5}"#))));
}

#[test]
fn numbers_come_out_as_json() {
    let input = json!([1.0, 2.5, 9_007_199_254_740_993_i64, u64::MAX]);
    for text in [".", "[.[]]"] {
        let result = first(text, &input).unwrap().unwrap().to_string();
        assert_eq!(result, "[1,2.5,9007199254740993,18446744073709551615]", "{text}");
    }
    let special = first("[nan, infinite, -infinite, 3.0, -0.0]", &input).unwrap().unwrap();
    assert_eq!(special.to_string(), "[null,1.7976931348623157e+308,-1.7976931348623157e+308,3,0]");
}

#[test]
fn one_input_serves_many_expressions_and_one_expression_many_threads() {
    let json = json!({"a": [1, 2], "b": "x"});
    let input = Input::new(&json);
    for (text, expected) in [
        (".a", json!([1, 2])),
        (".a | add", json!(3)),
        (".a |= map(. + 1) | .a", json!([2, 3])),
        (".a | add", json!(3)),
    ] {
        assert_eq!(Expression::compile(text).unwrap().first(&input), Ok(Some(expected)), "{text}");
    }
    let expression = Expression::compile(".a | length").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(expression.first(&Input::new(&json)), Ok(Some(json!(2)))));
        }
    });
}

#[test]
fn an_input_with_a_member_is_the_whole_object() {
    let json = json!({"a": {"b": 1.0}, "item": "before"});
    let member = json!({"c": [1, 2.0]});
    let base = Input::new(&json);
    let replaced = Input::with_member(&base, "item", &member);
    let added = Input::with_member(&base, "port", &member);
    for text in [".", ". | .", ".item", ".item.c[1]", ".port", ".port.c", ".[\"item\"].c | length", ".a.b", "keys"] {
        let expression = Expression::compile(text).unwrap();
        for (input, name) in [(&replaced, "item"), (&added, "port")] {
            let mut whole = json.clone();
            whole[name] = member.clone();
            assert_eq!(expression.first(input), expression.first(&Input::new(&whole)), "{text} with {name}");
        }
    }
    let recursive = Expression::compile("def f: if type == \"object\" then .item.c | f else . end; f").unwrap();
    assert_eq!(recursive.first(&replaced), Ok(Some(json!([1, 2]))));
}

#[test]
fn every_definition_of_the_prelude_compiles() {
    for line in include_str!("prelude.jq").lines().filter(|line| line.starts_with("def ")) {
        let head = line["def ".len()..].split(": ").next().unwrap();
        let name = head.split('(').next().unwrap();
        let parameters = head.matches(';').count() + usize::from(head.contains('('));
        let call = match parameters {
            0 => name.to_owned(),
            _ => format!("{name}({})", vec!["."; parameters].join(";")),
        };
        assert!(Expression::compile(&call).is_ok(), "{:?}", Expression::compile(&call));
    }
}

#[test]
fn an_error_shows_no_more_than_the_beginning_of_what_it_is_about() {
    let secret = format!("{}hunter2", "x".repeat(200));
    for text in ["tonumber", "error", ". + 1", "{} + ."] {
        let Err(EvaluationError::Failed(message)) = first(text, &json!(secret)) else {
            panic!("{text} should fail");
        };
        assert!(message.chars().count() <= 101 && !message.contains("hunter2"), "{text}: {message}");
    }
}
