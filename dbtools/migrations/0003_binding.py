"""What an approval covers beyond the SQL: the database itself, who started it, and taking a backup out."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


# A release moves only along its `TRANSITIONS`: an approval that was used cannot be used again.
CHECK_TRANSITIONS = """
CREATE FUNCTION dbtools_check_release_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status = OLD.status
    OR (OLD.status = 'requested' AND NEW.status IN ('approved', 'declined'))
    OR (OLD.status = 'approved' AND NEW.status IN ('declined', 'used'))
  THEN RETURN NEW;
  END IF;
  RAISE EXCEPTION 'A release cannot move from % to %.', OLD.status, NEW.status USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER transition_is_allowed BEFORE UPDATE OF status ON dbtools_backuprelease
  FOR EACH ROW EXECUTE FUNCTION dbtools_check_release_transition();
"""

DROP_CHECK = """
DROP TRIGGER transition_is_allowed ON dbtools_backuprelease;
DROP FUNCTION dbtools_check_release_transition();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('dbtools', '0002_rehearsal'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='databaserollback',
            name='failed_in',
            field=models.CharField(blank=True, db_default='', help_text="The status that an unforeseen error ended.", max_length=20),
        ),
        migrations.AddField(
            model_name='databaserollback',
            name='started_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='databaserollback',
            name='target',
            field=models.JSONField(default=dict, help_text='Step 5: the database that the backup is of.', null=True),
        ),
        migrations.CreateModel(
            name='BackupRelease',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=10)),
                ('name', models.CharField(blank=True, help_text='Name of the new database of a restore.', max_length=63)),
                ('reason', models.TextField()),
                ('status', models.CharField(default='requested', max_length=10)),
                ('requested_by_name', models.CharField(max_length=200)),
                ('requested_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('approved_by_name', models.CharField(blank=True, max_length=200)),
                ('approved_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('digest', models.CharField(blank=True, help_text='Digest of everything that was approved.', max_length=64)),
                ('approved_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('requested_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('rollback', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='releases', to='dbtools.databaserollback')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
        migrations.AddField(
            model_name='restore',
            name='release',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='restore', to='dbtools.backuprelease'),
        ),
        migrations.AddConstraint(
            model_name='backuprelease',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['requested', 'approved'])), fields=('rollback', 'kind'), name='one_open_release_of_each_kind'),
        ),
        migrations.AddConstraint(
            model_name='backuprelease',
            constraint=models.CheckConstraint(condition=models.Q(('approved_by', None), models.Q(('approved_by', models.F('requested_by')), _negated=True), _connector='OR'), name='nobody_approves_their_own_release'),
        ),
        migrations.AddConstraint(
            model_name='backuprelease',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['download', 'restore'])), name='release_kind_is_known'),
        ),
        migrations.RunSQL(CHECK_TRANSITIONS, DROP_CHECK),
    ]
