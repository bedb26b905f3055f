import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import uuid
from django.conf import settings
from django.db import migrations, models

# Both move only along their `TRANSITIONS`: PostgreSQL itself refuses every other move.
CHECK_TRANSITIONS = """
CREATE FUNCTION dbtools_check_rollback_transition() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER transition_is_allowed BEFORE UPDATE OF status ON dbtools_databaserollback
  FOR EACH ROW EXECUTE FUNCTION dbtools_check_rollback_transition();
CREATE FUNCTION dbtools_check_restore_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status = OLD.status
    OR (OLD.status = 'queued' AND NEW.status IN ('failed', 'restoring'))
    OR (OLD.status = 'restoring' AND NEW.status IN ('done', 'failed'))
  THEN RETURN NEW;
  END IF;
  RAISE EXCEPTION 'A restore cannot move from % to %.', OLD.status, NEW.status USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER transition_is_allowed BEFORE UPDATE OF status ON dbtools_restore
  FOR EACH ROW EXECUTE FUNCTION dbtools_check_restore_transition();
"""

DROP_CHECK = """
DROP TRIGGER transition_is_allowed ON dbtools_databaserollback;
DROP FUNCTION dbtools_check_rollback_transition();
DROP TRIGGER transition_is_allowed ON dbtools_restore;
DROP FUNCTION dbtools_check_restore_transition();
"""


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Database',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.SlugField(max_length=120, unique=True)),
                ('environment', models.CharField(max_length=60)),
                ('services', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=120), blank=True, default=list, size=None)),
                ('missing_since', models.DateTimeField(help_text='When it disappeared from the configuration.', null=True)),
                ('facts', models.JSONField(default=dict, help_text='Server version, size and migrations, as of `read_at`.')),
                ('read_at', models.DateTimeField(null=True)),
                ('error', models.TextField(blank=True)),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Backup',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('file', models.CharField(max_length=200, unique=True)),
                ('sha256', models.CharField(max_length=64)),
                ('bytes', models.BigIntegerField()),
                ('seconds', models.FloatField()),
                ('rows', models.JSONField(default=dict, help_text="Number of rows of each table in the backup's snapshot.")),
                ('server_version', models.CharField(max_length=40)),
                ('program_version', models.CharField(max_length=40)),
                ('taken_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('deleted_at', models.DateTimeField(null=True)),
                ('database', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='backups', to='dbtools.database')),
            ],
            options={
                'ordering': ['-taken_at'],
            },
        ),
        migrations.CreateModel(
            name='DatabaseRollback',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status_times', models.JSONField(default=dict, help_text='When each status was reached last.')),
                ('lease_owner', models.UUIDField(null=True)),
                ('lease_until', models.DateTimeField(null=True)),
                ('not_before', models.DateTimeField(null=True)),
                ('published_at', models.DateTimeField(help_text='When the dispatcher published it last.', null=True)),
                ('cancel_requested_at', models.DateTimeField(null=True)),
                ('cancel_requested_by', models.CharField(blank=True, max_length=200)),
                ('key', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('status', models.CharField(default='deciding', max_length=20)),
                ('requested_by_name', models.CharField(max_length=200)),
                ('requested_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('incident', models.CharField(blank=True, max_length=100)),
                ('message', models.TextField(blank=True, help_text='What happened last, as a sentence.')),
                ('ended_at', models.DateTimeField(null=True)),
                ('justification', models.JSONField(default=dict, help_text='Step 1: the reason, and which code was live then.')),
                ('source', models.JSONField(default=dict, help_text='Step 2: where the migrations are read from.')),
                ('archive', models.BinaryField(help_text='Step 2: an uploaded migrations folder.', null=True)),
                ('migrations', models.JSONField(default=list, help_text='Step 2: folder and history, compared.')),
                ('history', models.CharField(blank=True, help_text='Digest of the history as it was read.', max_length=64)),
                ('selected', models.JSONField(default=list, help_text='Names of the migrations to roll back, newest first.')),
                ('draft', models.JSONField(default=dict, help_text='Step 3: the proposed down SQL.')),
                ('sql', models.TextField(blank=True)),
                ('sql_sha256', models.CharField(blank=True, max_length=64)),
                ('authors', models.JSONField(default=list, help_text='User ids of everybody who wrote a part of the SQL.')),
                ('sql_analysis', models.JSONField(default=dict, help_text='What the SQL would do, statement by statement.')),
                ('preflight', models.JSONField(default=list, help_text='Step 4: the results of the preflight checks.')),
                ('warnings_accepted_because', models.TextField(blank=True, help_text='Step 4: why warnings are acceptable.')),
                ('fingerprint', models.CharField(blank=True, max_length=64)),
                ('progress', models.JSONField(default=dict, help_text='What the worker is doing now, in numbers.')),
                ('rehearsal', models.JSONField(default=dict, help_text='Step 6: the report of the rehearsal.')),
                ('approval_digest', models.CharField(blank=True, help_text='Digest of everything that an approval covers.', max_length=64)),
                ('acknowledged_losses', models.JSONField(default=list, help_text='Numbers of the statements whose loss was ticked.')),
                ('approved_by_name', models.CharField(blank=True, max_length=200)),
                ('approved_at', models.DateTimeField(null=True)),
                ('broke_glass', models.TextField(blank=True, help_text='Why nobody else approved it.')),
                ('followed_up_at', models.DateTimeField(null=True)),
                ('followed_up_by', models.CharField(blank=True, max_length=200)),
                ('identity', models.JSONField(default=dict, help_text='The transaction: xid, server, timeline.')),
                ('run_log', models.JSONField(default=dict, help_text='What ran, and the history rows that were deleted.')),
                ('verification', models.JSONField(default=dict, help_text='Step 9: what a new connection saw after the commit.')),
                ('approved_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('backup', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='rollbacks', to='dbtools.backup')),
                ('database', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rollbacks', to='dbtools.database')),
                ('requested_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-id'],
                'permissions': [('roll_back', 'Can roll database migrations back')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('status__in', ('done', 'unchanged', 'abandoned')), _negated=True), fields=('database',), name='one_active_rollback_per_database'), models.CheckConstraint(condition=models.Q(('approved_by', None), models.Q(('approved_by', models.F('requested_by')), _negated=True), models.Q(('broke_glass', ''), _negated=True), _connector='OR'), name='nobody_approves_their_own_rollback')],
            },
        ),
        migrations.CreateModel(
            name='Restore',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status_times', models.JSONField(default=dict, help_text='When each status was reached last.')),
                ('lease_owner', models.UUIDField(null=True)),
                ('lease_until', models.DateTimeField(null=True)),
                ('not_before', models.DateTimeField(null=True)),
                ('published_at', models.DateTimeField(help_text='When the dispatcher published it last.', null=True)),
                ('cancel_requested_at', models.DateTimeField(null=True)),
                ('cancel_requested_by', models.CharField(blank=True, max_length=200)),
                ('name', models.CharField(help_text='Name of the new database.', max_length=63)),
                ('status', models.CharField(default='queued', max_length=10)),
                ('message', models.TextField(blank=True)),
                ('requested_by_name', models.CharField(max_length=200)),
                ('requested_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('ended_at', models.DateTimeField(null=True)),
                ('backup', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='restores', to='dbtools.backup')),
                ('requested_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-requested_at'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('status__in', ['queued', 'restoring'])), fields=('backup',), name='one_active_restore_per_backup'), models.CheckConstraint(condition=models.Q(('status__in', ['queued', 'restoring', 'done', 'failed'])), name='restore_status_is_known')],
            },
        ),
        migrations.RunSQL(CHECK_TRANSITIONS, DROP_CHECK),
    ]
