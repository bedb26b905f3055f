"""Queries for the definitions of what the catalog knows by name only, such as operators and casts.

Each row is the object's address, "definition", "" and a text without OIDs. The options of a user mapping may
hold a password: only their digest is read.
"""

from __future__ import annotations

OPERATORS = """
SELECT 'pg_operator'::regclass::oid::bigint, oid::bigint, concat_ws(' ', oprcode::regprocedure,
       oprrest::regproc, oprjoin::regproc, nullif(oprcom, 0)::regoperator, nullif(oprnegate, 0)::regoperator,
       oprcanmerge, oprcanhash, oprresult::regtype)
FROM pg_operator
"""
CASTS = """
SELECT 'pg_cast'::regclass::oid::bigint, oid::bigint,
       concat_ws(' ', castcontext, castmethod, nullif(castfunc, 0)::regprocedure)
FROM pg_cast
"""
COLLATIONS = """
SELECT 'pg_collation'::regclass::oid::bigint, oid::bigint,
       (to_jsonb(c) - '{oid,collname,collnamespace,collowner,collversion}'::text[])::text
FROM pg_collation c
"""
CONVERSIONS = """
SELECT 'pg_conversion'::regclass::oid::bigint, oid::bigint, concat_ws(' ', conproc::regproc,
       pg_encoding_to_char(conforencoding), pg_encoding_to_char(contoencoding), condefault)
FROM pg_conversion
"""
OPERATOR_CLASSES = """
SELECT 'pg_opclass'::regclass::oid::bigint, o.oid::bigint, concat_ws(' ', opcintype::regtype, opcdefault,
       nullif(opckeytype, 0)::regtype, f.opfname)
FROM pg_opclass o JOIN pg_opfamily f ON f.oid = o.opcfamily
"""
OPERATOR_FAMILIES = """
SELECT 'pg_opfamily'::regclass::oid::bigint, f.oid::bigint, concat_ws(' ',
    (SELECT string_agg(concat_ws(' ', amopstrategy, amoppurpose, amopopr::regoperator), ', '
            ORDER BY amopstrategy, amopopr::regoperator::text) FROM pg_amop WHERE amopfamily = f.oid),
    (SELECT string_agg(concat_ws(' ', amprocnum, amproc::regprocedure), ', '
            ORDER BY amprocnum, amproc::regprocedure::text) FROM pg_amproc WHERE amprocfamily = f.oid))
FROM pg_opfamily f
"""
TEXT_SEARCH = """
SELECT 'pg_ts_config'::regclass::oid::bigint, c.oid::bigint, concat_ws(' ', p.prsname,
    (SELECT string_agg(concat_ws(' ', maptokentype, mapseqno, mapdict::regdictionary), ', '
            ORDER BY maptokentype, mapseqno) FROM pg_ts_config_map WHERE mapcfg = c.oid))
FROM pg_ts_config c JOIN pg_ts_parser p ON p.oid = c.cfgparser
UNION ALL SELECT 'pg_ts_dict'::regclass::oid::bigint, d.oid::bigint,
       concat_ws(' ', t.tmplname, dictinitoption)
FROM pg_ts_dict d JOIN pg_ts_template t ON t.oid = d.dicttemplate
UNION ALL SELECT 'pg_ts_parser'::regclass::oid::bigint, oid::bigint,
       concat_ws(' ', prsstart, prstoken, prsend, prsheadline, prslextype) FROM pg_ts_parser
UNION ALL SELECT 'pg_ts_template'::regclass::oid::bigint, oid::bigint, concat_ws(' ', tmplinit, tmpllexize)
FROM pg_ts_template
"""
TYPES = """
SELECT 'pg_type'::regclass::oid::bigint, oid::bigint, concat_ws(' ', typinput, typoutput, typreceive, typsend,
       typmodin, typmodout, typlen, typbyval, typalign, typstorage, typdelim, typdefault, typcategory,
       typispreferred)
FROM pg_type WHERE typtype = 'b' AND typcategory <> 'A'
UNION ALL SELECT 'pg_type'::regclass::oid::bigint, r.rngtypid::bigint,
       concat_ws(' ', r.rngcanonical, o.opcname, c.collname)
FROM pg_range r JOIN pg_opclass o ON o.oid = r.rngsubopc
       LEFT JOIN pg_collation c ON c.oid = r.rngcollation
"""
AGGREGATES = """
SELECT 'pg_proc'::regclass::oid::bigint, a.aggfnoid::bigint, concat_ws(' ', p.provolatile, p.proisstrict,
       aggkind, aggnumdirectargs, aggtransfn, aggfinalfn, aggcombinefn, aggserialfn, aggdeserialfn,
       aggmtransfn, aggminvtransfn, aggmfinalfn, aggfinalextra, aggmfinalextra, aggfinalmodify,
       aggmfinalmodify, nullif(aggsortop, 0)::regoperator, format_type(aggtranstype, NULL), aggtransspace,
       format_type(nullif(aggmtranstype, 0), NULL), agginitval, aggminitval)
FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid
"""
FOREIGN = """
SELECT 'pg_foreign_data_wrapper'::regclass::oid::bigint, oid::bigint,
       concat_ws(' ', nullif(fdwhandler, 0)::regproc, nullif(fdwvalidator, 0)::regproc, fdwoptions::text)
FROM pg_foreign_data_wrapper
UNION ALL SELECT 'pg_foreign_server'::regclass::oid::bigint, s.oid::bigint, concat_ws(' ', w.fdwname, srvtype,
       srvversion, encode(sha256(convert_to(srvoptions::text, 'UTF8')), 'hex'))
FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
UNION ALL SELECT 'pg_user_mapping'::regclass::oid::bigint, umid::bigint,
       encode(sha256(convert_to(umoptions::text, 'UTF8')), 'hex')
FROM pg_user_mappings
UNION ALL SELECT 'pg_class'::regclass::oid::bigint, t.ftrelid::bigint,
    concat_ws(' ', s.srvname, t.ftoptions::text, (SELECT string_agg(
            concat_ws(' ', quote_ident(attname), format_type(atttypid, atttypmod), attnotnull,
            attfdwoptions::text, pg_get_expr(d.adbin, d.adrelid)), ', ' ORDER BY attnum)
     FROM pg_attribute LEFT JOIN pg_attrdef d ON d.adrelid = attrelid AND d.adnum = attnum
     WHERE attrelid = t.ftrelid AND attnum > 0 AND NOT attisdropped))
FROM pg_foreign_table t JOIN pg_foreign_server s ON s.oid = t.ftserver
"""
LANGUAGES = """
SELECT 'pg_language'::regclass::oid::bigint, oid::bigint, concat_ws(' ', lanpltrusted,
       nullif(lanplcallfoid, 0)::regproc, nullif(laninline, 0)::regproc, nullif(lanvalidator, 0)::regproc)
FROM pg_language
UNION ALL SELECT 'pg_transform'::regclass::oid::bigint, oid::bigint, concat_ws(' ',
       nullif(trffromsql, 0)::regprocedure, nullif(trftosql, 0)::regprocedure) FROM pg_transform
"""


def _as_rows(query: str) -> str:
    return (
        "SELECT q.class, q.oid, 0, 'definition', '', q.text "  # noqa: S608 - our own text
        f"FROM ({query}) AS q (class, oid, text) WHERE q.oid >= 16384"
    )


ALL = tuple(
    map(
        _as_rows,
        (OPERATORS, CASTS, COLLATIONS, CONVERSIONS, OPERATOR_CLASSES, OPERATOR_FAMILIES, TEXT_SEARCH, TYPES,
         AGGREGATES, FOREIGN, LANGUAGES),
    )
)  # fmt: skip
