"""The allowlist of functions that a down script may call: those that only work on their arguments.

A dangerous function is called in an ordinary expression, such as `SELECT pg_terminate_backend(…)`, so
everything that is not on the list is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pglast import ast

from dbtools.sql.syntax.name_scope import schema_list, strings
from dbtools.sql.syntax.parsing import walk


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SEQUENCES = frozenset({"nextval", "setval", "currval"})
VOLATILE = words(
    """
    nextval setval currval lastval random clock_timestamp timeofday gen_random_uuid gen_random_bytes
    uuidv4 uuidv7 uuid_generate_v1 uuid_generate_v1mc uuid_generate_v4
    """
)
# Installed by extensions into an ordinary schema, so the call may be qualified.
FROM_EXTENSIONS = words(
    """
    gen_random_uuid gen_random_bytes uuid_generate_v1 uuid_generate_v1mc uuid_generate_v3
    uuid_generate_v4 uuid_generate_v5 unaccent similarity word_similarity digest hmac
    """
)
HARMLESS = (
    VOLATILE
    | FROM_EXTENSIONS
    | words(
        """
    now statement_timestamp transaction_timestamp age date_part date_trunc date_bin extract make_date
    make_time make_interval make_timestamp make_timestamptz to_char to_date to_timestamp to_number
    timezone justify_days justify_hours justify_interval isfinite overlaps lower upper initcap length
    char_length character_length octet_length bit_length btrim ltrim rtrim trim substring substr overlay
    position strpos left right lpad rpad repeat replace translate reverse concat concat_ws split_part
    string_to_array string_to_table array_to_string starts_with ascii chr format quote_ident
    quote_literal quote_nullable regexp_replace regexp_match regexp_matches regexp_split_to_array
    regexp_split_to_table regexp_like regexp_substr regexp_count regexp_instr normalize like_escape
    similar_escape similar_to_escape md5 sha224 sha256 sha384 sha512 encode decode to_hex abs ceil
    ceiling floor round trunc mod div power sqrt cbrt exp ln log log10 sign pi degrees radians
    width_bucket gcd lcm factorial min_scale scale trim_scale count sum avg min max bool_and bool_or
    every array_agg string_agg json_agg jsonb_agg json_object_agg jsonb_object_agg bit_and bit_or mode
    percentile_cont percentile_disc stddev variance row_number rank dense_rank percent_rank cume_dist
    ntile lag lead first_value last_value nth_value to_json to_jsonb row_to_json array_to_json
    json_build_object json_build_array jsonb_build_object jsonb_build_array json_object jsonb_object
    json_array_elements json_array_elements_text jsonb_array_elements jsonb_array_elements_text
    json_array_length jsonb_array_length json_each json_each_text jsonb_each jsonb_each_text
    json_extract_path json_extract_path_text jsonb_extract_path jsonb_extract_path_text json_object_keys
    jsonb_object_keys json_typeof jsonb_typeof json_strip_nulls jsonb_strip_nulls jsonb_set
    jsonb_set_lax jsonb_insert jsonb_pretty jsonb_path_exists jsonb_path_match jsonb_path_query
    jsonb_path_query_array jsonb_path_query_first jsonb_to_recordset json_to_recordset jsonb_to_record
    json_to_record array_length array_ndims array_lower array_upper array_append array_prepend array_cat
    array_remove array_replace array_position array_positions array_fill cardinality unnest
    generate_series generate_subscripts num_nulls num_nonnulls isempty lower_inc upper_inc range_merge
    to_tsvector to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery setweight
    tsvector_to_array pg_get_serial_sequence
    """
    )
)
SYSTEM = re.compile(
    r"(pg_|lo_|dblink|_?ri_|binary_upgrade)|.*_to_xml|set_config$|loread$|lowrite$", re.IGNORECASE
)
# PostgreSQL's own functions that a trigger may call.
TRIGGER_FUNCTIONS = frozenset({"tsvector_update_trigger", "tsvector_update_trigger_column"})
SEQUENCE_NAME = re.compile(r'\s*("(?:[^"]|"")+"|[\w$]+)(?:\s*\.\s*("(?:[^"]|"")+"|[\w$]+))?\s*')


def forbidden(tree: ast.Node, schemas: Sequence[str], *, allow_opaque: bool) -> Iterator[str]:
    """A sentence for each call of a function that is not allowed."""
    for node in walk(tree):
        if isinstance(node, ast.FuncCall):
            yield from forbidden_call(node, schemas, allow_opaque=allow_opaque)
        if isinstance(node, ast.CreateTrigStmt):
            *schema, name = strings(node.funcname)
            if (SYSTEM.match(name) or schema == ["pg_catalog"]) and name not in TRIGGER_FUNCTIONS:
                yield f"A trigger may not call {name}(), which is one of PostgreSQL's own functions."


def forbidden_call(call: ast.FuncCall, schemas: Sequence[str], *, allow_opaque: bool) -> Iterator[str]:
    *schema, name = strings(call.funcname)
    built_in = not schema or schema == ["pg_catalog"]
    known = name in HARMLESS and (built_in or name in FROM_EXTENSIONS)
    if known and name in SEQUENCES:
        yield from refused_sequence(call, name, schemas)
    elif known:
        return
    elif SYSTEM.match(name) or schema == ["pg_catalog"]:
        yield f"{name}() reaches beyond the rows it is given and may not be called here: take it out."
    elif not allow_opaque:
        yield (
            f"{'.'.join([*schema, name])}() is not on the short list of functions whose effect is known: "
            "write what it does as plain SQL, or have what cannot be reviewed allowed for this database."
        )


def refused_sequence(call: ast.FuncCall, name: str, schemas: Sequence[str]) -> Iterator[str]:
    """The reason to refuse the sequence's name, a string that the parser does not examine."""
    argument = call.args[0] if call.args else None
    while isinstance(argument, ast.TypeCast):
        argument = argument.arg
    if isinstance(argument, ast.FuncCall) and strings(argument.funcname)[-1:] == ("pg_get_serial_sequence",):
        argument = argument.args[0] if argument.args else None
    text = (
        argument.val.sval
        if isinstance(argument, ast.A_Const) and isinstance(argument.val, ast.String)
        else None
    )
    match = SEQUENCE_NAME.fullmatch(text or "")
    if match is None:
        yield f"{name}() needs the name of one sequence as a plain string, to show which it moves."
        return
    schema = match[1].strip('"') if match[2] else ""
    if schema and schema not in schemas:
        yield f"{name}({text!r}) moves a sequence outside the {schema_list(schemas)}: leave it out."


def calls(tree: ast.Node) -> set[str]:
    """The names of all functions called in a tree."""
    return {strings(node.funcname)[-1] for node in walk(tree) if isinstance(node, ast.FuncCall)}
