"""A database rollback and a restore move only along their lines: PostgreSQL itself refuses every other move."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION dbtools_rollback_keeps_to_the_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status = OLD.status
    OR (OLD.status = 'deciding' AND NEW.status IN ('abandoned', 'reading'))
    OR (OLD.status = 'reading' AND NEW.status IN ('abandoned', 'choosing', 'deciding'))
    OR (OLD.status = 'choosing' AND NEW.status IN ('abandoned', 'drafting', 'reading'))
    OR (OLD.status = 'drafting' AND NEW.status IN ('abandoned', 'choosing', 'writing'))
    OR (OLD.status = 'writing' AND NEW.status IN ('abandoned', 'checking', 'choosing'))
    OR (OLD.status = 'checking' AND NEW.status IN ('abandoned', 'preflight', 'writing'))
    OR (OLD.status = 'preflight' AND NEW.status IN ('abandoned', 'ready', 'writing'))
    OR (OLD.status = 'ready' AND NEW.status IN ('abandoned', 'backing_up', 'preflight', 'writing'))
    OR (OLD.status = 'backing_up' AND NEW.status IN ('abandoned', 'ready', 'rehearsing'))
    OR (OLD.status = 'rehearsing' AND NEW.status IN ('abandoned', 'ready', 'rehearsed'))
    OR (OLD.status = 'rehearsed' AND NEW.status IN ('abandoned', 'awaiting_approval', 'preflight', 'writing'))
    OR (OLD.status = 'awaiting_approval' AND NEW.status IN ('abandoned', 'approved', 'rehearsed', 'writing'))
    OR (OLD.status = 'approved' AND NEW.status IN ('abandoned', 'rehearsed', 'running', 'writing'))
    OR (OLD.status = 'running' AND NEW.status IN ('approved', 'committing', 'needs_attention', 'resolving', 'unchanged'))
    OR (OLD.status = 'committing' AND NEW.status IN ('needs_attention', 'resolving', 'unchanged', 'verifying'))
    OR (OLD.status = 'resolving' AND NEW.status IN ('needs_attention', 'unchanged', 'verifying'))
    OR (OLD.status = 'verifying' AND NEW.status IN ('done', 'needs_attention'))
    OR (OLD.status = 'needs_attention' AND NEW.status IN ('done', 'resolving', 'unchanged'))
  THEN RETURN NEW;
  END IF;
  RAISE EXCEPTION 'A database rollback cannot move from % to %.', OLD.status, NEW.status USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER keeps_to_the_lines BEFORE UPDATE OF status ON dbtools_databaserollback
  FOR EACH ROW EXECUTE FUNCTION dbtools_rollback_keeps_to_the_lines();
CREATE FUNCTION dbtools_restore_keeps_to_the_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status = OLD.status
    OR (OLD.status = 'queued' AND NEW.status IN ('failed', 'restoring'))
    OR (OLD.status = 'restoring' AND NEW.status IN ('done', 'failed'))
  THEN RETURN NEW;
  END IF;
  RAISE EXCEPTION 'A restore cannot move from % to %.', OLD.status, NEW.status USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER keeps_to_the_lines BEFORE UPDATE OF status ON dbtools_restore
  FOR EACH ROW EXECUTE FUNCTION dbtools_restore_keeps_to_the_lines();
"""

BACKWARD = """
DROP TRIGGER keeps_to_the_lines ON dbtools_databaserollback;
DROP FUNCTION dbtools_rollback_keeps_to_the_lines();
DROP TRIGGER keeps_to_the_lines ON dbtools_restore;
DROP FUNCTION dbtools_restore_keeps_to_the_lines();
"""


class Migration(migrations.Migration):
    dependencies = [("dbtools", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
