"""Experts' verdicts; HITs whose images were all withdrawn, the answers to which are read again."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

# In the order of their ids, so that two withdrawals, or one and a review, cannot deadlock.
TRIGGER = """
    CREATE FUNCTION imagesets_image_withdrawn() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM FROM tasks_assignment a
      WHERE a.hit_id IN (SELECT i.hit_id FROM tasks_hititem i WHERE i.image_id = NEW.id)
      ORDER BY a.id FOR NO KEY UPDATE;
      UPDATE tasks_assignment a SET changed = pg_current_xact_id()
      WHERE a.hit_id IN (SELECT i.hit_id FROM tasks_hititem i WHERE i.image_id = NEW.id);
      RETURN NULL;
    END $$;
    CREATE TRIGGER image_withdrawn AFTER UPDATE OF withdrawn_at ON imagesets_image FOR EACH ROW
      WHEN ((OLD.withdrawn_at IS NULL) <> (NEW.withdrawn_at IS NULL))
      EXECUTE FUNCTION imagesets_image_withdrawn();
"""
NO_TRIGGER = """
    DROP TRIGGER image_withdrawn ON imagesets_image;
    DROP FUNCTION imagesets_image_withdrawn();
"""


class Migration(migrations.Migration):

    dependencies = [
        ("imagesets", "0010_withdrawn"),
        ("tasks", "0035_troubles_and_habits"),
    ]

    operations = [
        migrations.AddField(
            model_name="hit",
            name="asks_nothing",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="All images that the study asks in it were withdrawn: nobody is given it.",
            ),
        ),
        migrations.RunSQL(TRIGGER, NO_TRIGGER),
        migrations.CreateModel(
            name='Overrule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('verdict', models.CharField(choices=[('present', 'Present'), ('absent', 'Absent'), ('main', 'Main'), ('not_main', 'Not Main'), ('same_object_as', 'Same Object As')], max_length=14)),
                ('why', models.TextField(blank=True, default='')),
                ('who', models.CharField(help_text="The expert's username.", max_length=200)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('replaced_at', models.DateTimeField(blank=True, help_text='When its expert revised it, or took it back.', null=True)),
                ('image', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='overrules', to='imagesets.image')),
                ('label', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='imagesets.label')),
                ('same_as', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='imagesets.label')),
            ],
            options={
                'ordering': ['id'],
                'indexes': [models.Index(fields=['who', 'image'], name='overrule_of_expert'), models.Index(fields=['image', 'label'], name='overrule_of_image')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('replaced_at', None)), fields=('image', 'label', 'who'), name='an_expert_has_one_verdict_on_a_label'), models.CheckConstraint(condition=models.Q(('verdict__in', ['present', 'absent', 'main', 'not_main', 'same_object_as'])), name='verdict_is_known'), models.CheckConstraint(condition=models.Q(models.Q(('same_as__isnull', False), ('verdict', 'same_object_as'), models.Q(('same_as', models.F('label')), _negated=True)), models.Q(models.Q(('verdict', 'same_object_as'), _negated=True), ('same_as', None)), _connector='OR'), name='the_same_object_as_another_label'), models.CheckConstraint(condition=models.Q(('who', ''), _negated=True), name='a_verdict_is_somebodys')],
            },
        ),
    ]
