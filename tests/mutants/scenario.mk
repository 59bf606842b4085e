# Beside the Makefile: what plays the scenarios of a protocol with a bug planted in its core.
$(MUTANT_DIR)/tests/unit/%: $(BUILD)/tests/unit/%.o $(MUTANT_OBJECTS) $(BUILD)/libfaultline.a
	@mkdir -p $(@D)
	$(call Q,LINK)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ -lcmocka $(LIBS)
