"""A change moves only along its lines: PostgreSQL itself refuses every other move."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION deployments_keep_to_the_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status = OLD.status
    OR (OLD.status = 'queued' AND NEW.status IN ('canceled', 'clearing', 'failed', 'pinning', 'restoring', 'sending', 'succeeded'))
    OR (OLD.status = 'clearing' AND NEW.status IN ('canceled', 'failed', 'needs_attention', 'queued', 'restoring'))
    OR (OLD.status = 'pinning' AND NEW.status IN ('failed', 'needs_attention', 'restoring', 'sending'))
    OR (OLD.status = 'sending' AND NEW.status IN ('accepted', 'failed', 'needs_attention', 'queued', 'restoring', 'serving', 'unclear'))
    OR (OLD.status = 'unclear' AND NEW.status IN ('accepted', 'failed', 'needs_attention', 'queued', 'restoring', 'serving'))
    OR (OLD.status = 'accepted' AND NEW.status IN ('failed', 'needs_attention', 'restoring', 'serving'))
    OR (OLD.status = 'serving' AND NEW.status IN ('failed', 'needs_attention', 'restoring', 'succeeded'))
    OR (OLD.status = 'restoring' AND NEW.status IN ('canceled', 'failed', 'needs_attention', 'succeeded'))
    OR (OLD.status = 'needs_attention' AND NEW.status IN ('failed', 'queued', 'serving'))
  THEN RETURN NEW;
  END IF;
  RAISE EXCEPTION 'A change cannot move from % to %.', OLD.status, NEW.status USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER change_keeps_to_the_lines BEFORE UPDATE OF status ON deployments_change
  FOR EACH ROW EXECUTE FUNCTION deployments_keep_to_the_lines();
"""

BACKWARD = """
DROP TRIGGER change_keeps_to_the_lines ON deployments_change;
DROP FUNCTION deployments_keep_to_the_lines();
"""


class Migration(migrations.Migration):
    dependencies = [("deployments", "0002_at_most_once_never_lost")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
