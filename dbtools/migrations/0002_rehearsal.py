import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# A run that needs attention ends only with the name and the words of the person who looked. What the version
# before writes says so in its message, and is filled in from that.
CHECK_SETTLEMENT = """
CREATE FUNCTION dbtools_check_settlement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.settled_as = '' AND NEW.message LIKE '% looked at the database: %' THEN
    NEW.settled_as := CASE NEW.status WHEN 'done' THEN 'committed' ELSE 'not committed' END;
    NEW.settled_because := NEW.message;
    NEW.settled_by_name := split_part(NEW.message, ' looked at the database: ', 1);
    NEW.settled_at := now();
  ELSIF NEW.settled_by_id IS NULL OR NEW.settled_at IS NULL OR NEW.settled_by_name = ''
    OR length(btrim(NEW.settled_because)) < 10
    OR NEW.settled_as NOT IN ('committed', 'undone', 'not committed')
    OR (NEW.settled_as = 'committed') <> (NEW.status = 'done')
  THEN
    RAISE EXCEPTION 'A database rollback that needs attention ends only with what a person found.'
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER settlement_is_named BEFORE UPDATE OF status ON dbtools_databaserollback
  FOR EACH ROW WHEN (OLD.status = 'needs_attention' AND NEW.status IN ('done', 'unchanged'))
  EXECUTE FUNCTION dbtools_check_settlement();
"""

DROP_CHECK = """
DROP TRIGGER settlement_is_named ON dbtools_databaserollback;
DROP FUNCTION dbtools_check_settlement();
"""


class Migration(migrations.Migration):

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('dbtools', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='databaserollback',
            name='settled_as',
            field=models.CharField(blank=True, db_default='', default='', help_text='Step 9: what a person found who looked at a run that needed attention.', max_length=20),
        ),
        migrations.AddField(
            model_name='databaserollback',
            name='settled_because',
            field=models.TextField(blank=True, db_default='', default='', help_text='What they saw.'),
        ),
        migrations.AddField(
            model_name='databaserollback',
            name='settled_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='databaserollback',
            name='settled_by_name',
            field=models.CharField(blank=True, db_default='', default='', max_length=200),
        ),
        migrations.AddField(
            model_name='databaserollback',
            name='settled_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.RunSQL(CHECK_SETTLEMENT, DROP_CHECK),
    ]
